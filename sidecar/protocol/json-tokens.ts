// Where the tokens of JSON end, and what a string says.

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
const LOWER_E = 0x65;
const TILDE = 0x7e;
const CASE_BIT = 0x20;

/** The offset that stands for "malformed": behind every document. */
export const MALFORMED = 0x3fffffff;

/** So many digits fit a double without loss. */
const MAX_EXACT_DIGITS = 15;

/** For so many bytes a loop is faster than a call into native code (about 30 ns). */
const NEAR_BYTES = 64;

/** The offset of the first byte that is not white space; `end` when there is none. */
export function spaceEnd(bytes: Buffer, start: number, end: number): number {
  let pos = start;
  while (pos < end && isSpace(bytes[pos])) pos += 1;
  return pos;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

/**
 * The offset of the quote that closes a string; MALFORMED when there is none before `end`. `start` is behind the
 * opening quote. What lies between is not checked.
 */
export function stringEnd(bytes: Buffer, start: number, end: number): number {
  let pos = start;
  for (;;) {
    pos = nearQuote(bytes, pos, end);
    if (pos >= end) return MALFORMED;
    if (bytes[pos] === QUOTE) return pos;
    const quote = bytes.indexOf(QUOTE, pos);
    if (quote < 0 || quote >= end) return MALFORMED;
    if (!isEscaped(bytes, pos, quote)) return quote;
    // Escaped quotes come in crowds (JSON inside JSON): the loop takes over again.
    pos = quote + 1;
  }
}

/** The closing quote when it is near, else an offset from which the search may go on: never inside an escape. */
function nearQuote(bytes: Buffer, start: number, end: number): number {
  const near = Math.min(start + NEAR_BYTES, end);
  let pos = start;
  while (pos < near) {
    const byte = bytes[pos];
    if (byte === QUOTE) return pos;
    pos += byte === BACKSLASH ? 2 : 1;
  }
  return pos;
}

/** True when an odd number of backslashes stands before `at`; none of them may belong to an escape before `start`. */
export function isEscaped(bytes: Buffer, start: number, at: number): boolean {
  let pos = at;
  while (pos > start && bytes[pos - 1] === BACKSLASH) pos -= 1;
  return ((at - pos) & 1) === 1;
}

/** The offset behind the number, `true`, `false` or `null` at `start`; MALFORMED when there is none. */
export function scalarEnd(bytes: Buffer, start: number, end: number): number {
  return (bytes[start] ?? 0) <= NINE ? numberEnd(bytes, start, end) : literalEnd(bytes, start);
}

/** RFC 8259, section 6. */
function numberEnd(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  const whole = digitsEnd(bytes, first, end);
  // A zero in front of other digits is the one shape that digits alone do not exclude.
  if (bytes[first] === ZERO && whole > first + 1) return MALFORMED;
  if (whole >= end) return whole;
  const next = bytes[whole] ?? 0;
  return next === DOT || (next | CASE_BIT) === LOWER_E ? fractionEnd(bytes, whole, end) : whole;
}

function fractionEnd(bytes: Buffer, start: number, end: number): number {
  const pos = bytes[start] === DOT ? digitsEnd(bytes, start + 1, end) : start;
  if (pos >= end || ((bytes[pos] ?? 0) | CASE_BIT) !== LOWER_E) return pos;
  const sign = bytes[pos + 1];
  return digitsEnd(bytes, sign === PLUS || sign === MINUS ? pos + 2 : pos + 1, end);
}

/** Behind one or more digits; MALFORMED when there is none. */
function digitsEnd(bytes: Buffer, start: number, end: number): number {
  let pos = start;
  while (pos < end) {
    const byte = bytes[pos] ?? 0;
    if (byte < ZERO || byte > NINE) break;
    pos += 1;
  }
  return pos > start ? pos : MALFORMED;
}

/** The value of the number in `[start, end)`. */
export function numberIn(bytes: Buffer, start: number, end: number): number {
  if (end - start > MAX_EXACT_DIGITS) return Number(bytes.toString('latin1', start, end));
  let value = 0;
  for (let pos = start; pos < end; pos += 1) {
    const digit = (bytes[pos] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return Number(bytes.toString('latin1', start, end));
    value = 10 * value + digit;
  }
  return value;
}

const LITERALS: readonly Buffer[] = ['true', 'false', 'null'].map((word) => Buffer.from(word));

function literalEnd(bytes: Buffer, start: number): number {
  for (const literal of LITERALS) {
    if (startsWith(bytes, start, literal)) return start + literal.length;
  }
  return MALFORMED;
}

/** True when the bytes at `start` are those of `expected`, which is not empty. */
export function startsWith(bytes: Buffer, start: number, expected: Buffer): boolean {
  if (bytes[start] !== expected[0]) return false;
  for (let index = 1; index < expected.length; index += 1) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}

/**
 * The text of the string in `[start, end)` (inside its quotes), or undefined when it is not JSON: a bad escape, a raw
 * control character, bytes that are not UTF-8. Half a surrogate pair that is written as an escape is kept.
 */
export function decodeString(bytes: Buffer, start: number, end: number): string | undefined {
  if (isPlain(bytes, start, end)) return bytes.toString('latin1', start, end);
  try {
    const raw = UTF8.decode(bytes.subarray(start, end));
    // The cast holds: what stands between two quotes parses to a string or not at all.
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return undefined;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Nothing but printable ASCII, and no escape. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let pos = start; pos < end; pos += 1) {
    const byte = bytes[pos] ?? 0;
    if (byte < SPACE || byte > TILDE || byte === BACKSLASH) return false;
  }
  return true;
}
