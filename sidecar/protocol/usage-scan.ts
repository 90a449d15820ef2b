// Finds the usage that a provider reports in an answer, wherever chunks are cut.
//
// In JSON a quote inside a string is always escaped, so the bytes `"usage"` with a colon and a brace behind them are a
// member of that name and nothing else, in a plain answer as in an SSE line. What is between is passed over by native
// searches; only the small object itself is parsed.

const KEY = Buffer.from('"usage"');
const COLON = 0x3a;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/** A usage object is a few hundred bytes; what is longer is none. */
const MAX_OBJECT_BYTES = 4_096;

const NOTHING = Buffer.alloc(0);

/** Feeds every complete usage object to `found`, in their order. Never throws, keeps at most 4 KiB. */
export class UsageScan {
  readonly #found: (usage: Readonly<Record<string, unknown>>) => void;
  /** The end of what was seen, as far as a usage object could begin in it. */
  #rest: Buffer = NOTHING;

  constructor(found: (usage: Readonly<Record<string, unknown>>) => void) {
    this.#found = found;
  }

  /** Looks at the next bytes. */
  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    for (;;) {
      const at = bytes.indexOf(KEY, from);
      if (at < 0) {
        this.#keep(bytes, Math.max(from, bytes.length - KEY.length + 1));
        return;
      }
      const end = this.#read(bytes, at + KEY.length);
      if (end === INCOMPLETE) {
        // Longer than any usage: it is something else, look behind it.
        if (bytes.length - at <= MAX_OBJECT_BYTES) {
          this.#keep(bytes, at);
          return;
        }
        from = at + KEY.length;
      } else {
        from = end;
      }
    }
  }

  /** Reads the value behind the key; returns where to go on, or INCOMPLETE. */
  #read(bytes: Buffer, afterKey: number): number {
    const colon = skipSpace(bytes, afterKey);
    if (colon === bytes.length) return INCOMPLETE;
    if (bytes[colon] !== COLON) return afterKey;
    const open = skipSpace(bytes, colon + 1);
    if (open === bytes.length) return INCOMPLETE;
    if (bytes[open] !== BRACE_OPEN) return open;
    const close = endOfObject(bytes, open);
    if (close < 0) return INCOMPLETE;
    const usage = parseObject(bytes.toString('utf8', open, close));
    if (usage !== undefined) this.#found(usage);
    return close;
  }

  /** Copies what is left, since the chunk's memory belongs to a socket. */
  #keep(bytes: Buffer, from: number): void {
    this.#rest = from >= bytes.length ? NOTHING : Buffer.from(bytes.subarray(from));
  }
}

const INCOMPLETE = -1;

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] as number) <= 0x20) at++;
  return at;
}

/** Where the object that opens at `open` ends; -1 when it does not end within its bound. Usage has no braces in strings. */
function endOfObject(bytes: Buffer, open: number): number {
  let depth = 0;
  const bound = Math.min(bytes.length, open + MAX_OBJECT_BYTES);
  for (let at = open; at < bound; at++) {
    const byte = bytes[at];
    if (byte === BRACE_OPEN) depth++;
    else if (byte === BRACE_CLOSE && --depth === 0) return at + 1;
  }
  return -1;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A count of tokens as reported; undefined when it is absent or no sensible number. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? Math.min(Math.round(value), 1e12)
    : undefined;
}
