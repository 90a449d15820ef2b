// Which of a few known names a key in a JSON document is, found by comparing bytes.

import { startsWith } from './json-tokens.ts';

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

  /** Letter by letter and without decoding the whole: documents may be full of such keys. */
  private findDecoded(bytes: Buffer, start: number, end: number): number {
    let folded = '';
    let isExact = true;
    for (let pos = start; pos < end; ) {
      const { unit, length } = unitAt(bytes, pos);
      // What cannot be decoded, a lenient parser may.
      if (length === 0) return LOOK_ALIKE;
      const letter = fold(unit);
      if (letter > MAX_ASCII || folded.length + 1 >= this.byLength.length) return NO_KEY;
      isExact &&= letter === unit;
      folded += String.fromCharCode(letter);
      pos += length;
    }
    const index = this.indexOf(folded);
    return index === NO_KEY || isExact ? index : LOOK_ALIKE;
  }

  private indexOf(key: string): number {
    // The cast only widens: any text may be asked for.
    return (this.names as readonly string[]).indexOf(key);
  }
}

const LONG_S = 0x17f;
const KELVIN = 0x212a;
const LOWER_U = 0x75;
const LONG_S_BYTES = Buffer.from('\u017f');
const KELVIN_BYTES = Buffer.from('\u212a');

/** The escapes of one letter, and what they stand for. */
const SHORT_ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(
    ([letter, unit]) => [letter.charCodeAt(0), unit.charCodeAt(0)],
  ),
);

/** A UTF-16 unit and the bytes that it takes; 0 bytes for a broken escape. */
type UnitAt = { readonly unit: number; readonly length: number };

function unitAt(bytes: Buffer, pos: number): UnitAt {
  const byte = bytes[pos] ?? 0;
  if (byte === BACKSLASH) return escapedAt(bytes, pos);
  if (byte <= MAX_ASCII) return { unit: byte, length: 1 };
  // Of all letters beyond ASCII only these two fold to one within; the others need no decoding.
  if (bytes.subarray(pos, pos + 2).equals(LONG_S_BYTES)) return { unit: LONG_S, length: 2 };
  if (bytes.subarray(pos, pos + 3).equals(KELVIN_BYTES)) return { unit: KELVIN, length: 3 };
  return { unit: byte, length: 1 };
}

function escapedAt(bytes: Buffer, pos: number): UnitAt {
  const letter = bytes[pos + 1] ?? 0;
  const unit = letter === LOWER_U ? hexAt(bytes, pos + 2) : SHORT_ESCAPES.get(letter);
  if (unit === undefined) return { unit: 0, length: 0 };
  return { unit, length: letter === LOWER_U ? ESCAPE_BYTES : 2 };
}

/** The value of four hexadecimal digits; undefined when they are not. */
function hexAt(bytes: Buffer, pos: number): number | undefined {
  let value = 0;
  for (let at = pos; at < pos + 4; at += 1) {
    const digit = Number.parseInt(String.fromCharCode(bytes[at] ?? 0), 16);
    if (Number.isNaN(digit)) return undefined;
    value = value * 16 + digit;
  }
  return value;
}

/** Upper case as lower case, and the two letters beyond ASCII that parsers fold into it. */
function fold(unit: number): number {
  if (unit === LONG_S) return 0x73;
  if (unit === KELVIN) return 0x6b;
  return unit >= UPPER_A && unit <= UPPER_Z ? unit + 0x20 : unit;
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
