// What an agent believes it used: it knows only what its SDK told it.

export interface Tally {
  /** Prints one plain line about a notable event. */
  say(event: string): void;
  ok(inputTokens: number, outputTokens: number): void;
  /**
   * Counts an error of an SDK: `refused` for 403, 413, 429, 503 and 529 (a limit or an overload said no), else `failed`.
   * Returns it in one line, for `say`.
   */
  error(cause: unknown): string;
  /** Prints the last line: everything as JSON. */
  finish(): void;
}

const REFUSALS: readonly unknown[] = [403, 413, 429, 503, 529];
const MAX_LINE_CHARS = 160;

export function createTally(agent: string): Tally {
  const used = { agent, ok: 0, refused: 0, failed: 0, inputTokens: 0, outputTokens: 0 };
  return {
    say: (event) => console.log(`${agent}: ${event}`),
    ok: (inputTokens, outputTokens) => {
      used.ok += 1;
      used.inputTokens += inputTokens;
      used.outputTokens += outputTokens;
    },
    error: (cause) => {
      const status = cause instanceof Error && 'status' in cause ? cause.status : undefined;
      const outcome = REFUSALS.includes(status) ? 'refused' : 'failed';
      used[outcome] += 1;
      return `${outcome}: ${toText(cause)}`.slice(0, MAX_LINE_CHARS);
    },
    finish: () => console.log(JSON.stringify(used)),
  };
}

/** Both SDKs put the status first; Anthropic's message is the whole JSON, its `apiMessage` the sentence. */
function toText(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (!('apiMessage' in cause && 'status' in cause)) return cause.message;
  return `${cause.status} ${cause.apiMessage ?? cause.message}`;
}
