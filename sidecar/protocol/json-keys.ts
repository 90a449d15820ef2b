// Which of a few known names a key in a JSON document is, found by comparing bytes.

import { decodeString, startsWith } from './json-tokens.ts';

/** The key is none of the names. */
export const NO_KEY = -1;
/** The key is not a name, but some parsers would take it for one. */
export const LOOK_ALIKE = -2;

const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const BACKSLASH = 0x5c;
const MAX_ASCII = 0x7f;
/** A name of n letters that is written in escapes has 6n bytes. */
const ESCAPE_BYTES = 6;

type Candidate = { readonly index: number; readonly name: Buffer };
const NONE: readonly Candidate[] = [];
const NOTHING: Candidate = { index: NO_KEY, name: Buffer.alloc(0) };

/**
 * A fixed set of lower-case ASCII names.
 *
 * Parsers disagree about keys: Go's encoding/json, for one, takes `"Model"` for `model`, and a long s (U+017F) for an s.
 * Such a key is a LOOK_ALIKE, so that the caller may refuse what we and the upstream could read differently. Keys that
 * are written with escapes are decoded first.
 */
export class KeyTable<Name extends string = string> {
  readonly names: readonly Name[];
  private readonly byLength: readonly (readonly Candidate[])[];

  constructor(names: readonly Name[]) {
    this.names = names;
    const longest = Math.max(...names.map((name) => name.length));
    this.byLength = Array.from({ length: longest + 1 }, (_, length) =>
      names.flatMap((name, index) => (name.length === length ? [{ index, name: Buffer.from(name) }] : [])),
    );
  }

  /** The index of the name that the key in `[start, end)` (inside its quotes) is, or NO_KEY, or LOOK_ALIKE. */
  find(bytes: Buffer, start: number, end: number): number {
    const candidates = end - start < this.byLength.length ? (this.byLength[end - start] ?? NONE) : NONE;
    for (let place = 0; place < candidates.length; place += 1) {
      const { index, name } = candidates[place] ?? NOTHING;
      if (startsWith(bytes, start, name)) return index;
    }
    if (end - start >= ESCAPE_BYTES * this.byLength.length) return NO_KEY;
    return isOdd(bytes, start, end, candidates.length > 0) ? this.findDecoded(bytes, start, end) : NO_KEY;
  }

  private findDecoded(bytes: Buffer, start: number, end: number): number {
    const key: string | undefined = decodeString(bytes, start, end);
    // What we cannot decode, a lenient parser may.
    if (key === undefined) return LOOK_ALIKE;
    const index = this.indexOf(key);
    if (index !== NO_KEY) return index;
    // Upper case folds the long s, lower case the Kelvin sign.
    return this.indexOf(key.toUpperCase().toLowerCase()) === NO_KEY ? NO_KEY : LOOK_ALIKE;
  }

  private indexOf(key: string): number {
    // The cast only widens: any text may be asked for.
    return (this.names as readonly string[]).indexOf(key);
  }
}

/** Could be a name in another spelling: escapes and non-ASCII letters change the length, upper case does not. */
function isOdd(bytes: Buffer, start: number, end: number, hasLengthOfName: boolean): boolean {
  for (let pos = start; pos < end; pos += 1) {
    const byte = bytes[pos] ?? 0;
    if (byte > MAX_ASCII || byte === BACKSLASH) return true;
    if (hasLengthOfName && byte >= UPPER_A && byte <= UPPER_Z) return true;
  }
  return false;
}
