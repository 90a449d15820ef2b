// Who spent what: the totals behind the table at the end of `flyball run`.

import type { Call } from '../core/call.ts';
import { wholeInputTokens } from '../core/estimate/counted-tokens.ts';
import type { DenyClass } from '../core/refusal.ts';
import type { Usage } from '../core/usage.ts';

/** What one agent did with one model or upstream. */
export type UsageRow = {
  readonly agent: string;
  readonly upstream: string;
  /** The model; for calls without one the tool. */
  readonly subject: string;
  readonly admitted: number;
  /** How many of the admitted were held first, and for how long together. */
  readonly held: number;
  readonly heldMs: number;
  readonly refused: number;
  /** Refusals by class; only classes that occurred. */
  readonly refusals: Readonly<Partial<Record<DenyClass, number>>>;
  /** Cached input included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly spendMicros: number;
};

type Mutable = { -readonly [Key in keyof UsageRow]: UsageRow[Key] } & {
  refusals: Partial<Record<DenyClass, number>>;
};

/** Rows kept; later subjects share a row per agent. Callers choose model names, so their number must be bounded. */
const MAX_ROWS = 1_000;

/** Sums decisions and settlements by agent, upstream and model. */
export class UsageTotals {
  readonly #rows = new Map<string, Mutable>();

  /** A decision; `refused` is the class, undefined = admitted after it was held for `heldMs` (0 = at once). */
  decided(call: Call, refused: DenyClass | undefined, heldMs: number): void {
    const row = this.#rowOf(call);
    if (refused === undefined) {
      row.admitted += 1;
      row.held += heldMs > 0 ? 1 : 0;
      row.heldMs += heldMs;
    } else {
      row.refused += 1;
      row.refusals[refused] = (row.refusals[refused] ?? 0) + 1;
    }
  }

  /** The end of an admitted call. */
  settled(call: Call, usage: Usage | undefined, spendMicros: number | undefined): void {
    const row = this.#rowOf(call);
    if (usage !== undefined) {
      row.inputTokens += wholeInputTokens(usage);
      row.outputTokens += usage.outputTokens;
    }
    row.spendMicros += spendMicros ?? 0;
  }

  /** All rows, by agent, upstream and subject. */
  rows(): UsageRow[] {
    return [...this.#rows.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => ({ ...row, refusals: { ...row.refusals } }));
  }

  #rowOf(call: Call): Mutable {
    const subject = call.kind === 'LLM' ? call.model : call.tool;
    return this.#row(
      call,
      this.#rows.size >= MAX_ROWS && !this.#rows.has(keyOf(call, subject)) ? 'other' : subject,
    );
  }

  #row(call: Call, subject: string): Mutable {
    const key = keyOf(call, subject);
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = {
        agent: call.agent,
        upstream: call.upstream,
        subject,
        admitted: 0,
        held: 0,
        heldMs: 0,
        refused: 0,
        refusals: {},
        inputTokens: 0,
        outputTokens: 0,
        spendMicros: 0,
      };
      this.#rows.set(key, row);
    }
    return row;
  }
}

function keyOf(call: Call, subject: string): string {
  return `${call.agent}\n${call.upstream}\n${subject}`;
}
