// A cursor over one complete JSON document. The caller walks the objects it knows and reads the fields it wants; all
// else is stepped over byte by byte, so that nothing is built and nothing is allocated in proportion to the document.

import { type KeyTable, LOOK_ALIKE } from './json-keys.ts';
import { decodeString, MALFORMED, numberIn, scalarEnd, spaceEnd, stringEnd } from './json-tokens.ts';

/** Containers nested deeper than this are a problem. */
export const MAX_DEPTH = 64;
/** Longer numbers are not read: nothing that we count needs them. */
export const MAX_NUMBER_BYTES = 64;
/**
 * A document with more values is a problem: no prompt has as many, and stepping over them one by one would block every
 * other call.
 */
const MAX_VALUES = 250_000;
/** What `peek` returns when nothing is left. */
export const END = -1;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const LOWER_F = 0x66;
const LOWER_T = 0x74;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const NOT_JSON = 'the body must be a well-formed JSON object';
const TOO_MANY = `the body must not hold more than ${MAX_VALUES} values`;
const TOO_DEEP = `the body must not nest deeper than ${MAX_DEPTH} levels`;

/** Is told what `walk` passes. Offsets are in the scanned bytes; those of keys and strings lie inside the quotes. */
export interface JsonVisitor {
  /** The key of the value that comes next. */
  key(start: number, end: number): void;
  string(start: number, end: number): void;
  /** A container opens; `start` is its bracket. */
  open(start: number): void;
  /** A container closed; `end` is behind its bracket. */
  close(end: number): void;
}

/**
 * Reads JSON (RFC 8259) from `bytes[start, end)`; a byte order mark in front is skipped.
 *
 * Promises: one pass, time linear in the document, nesting bounded by MAX_DEPTH. The grammar is checked everywhere but
 * inside strings that are only stepped over: escapes, control characters and UTF-8 are checked in strings that are
 * read. After the first problem each method returns false, undefined or END, so that the caller may look at `problem`
 * once, when it is done. A document is well formed when `atEnd()` is true.
 */
export class JsonScan {
  readonly bytes: Buffer;
  /** Offset of the next byte to read. */
  pos: number;
  /** The first thing that was wrong: one sentence without any text of the document. */
  problem: string | undefined = undefined;
  private readonly end: number;
  private depth = 0;
  private values = 0;
  /** True between an opening bracket and the first element. */
  private fresh = false;
  private keyFrom = 0;
  private keyTo = 0;
  private visitor: JsonVisitor | undefined = undefined;

  constructor(bytes: Buffer, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.end = end;
    this.pos = hasByteOrderMark(bytes, start, end) ? start + 3 : start;
  }

  /** Records the first problem and ends the scan. Returns false. */
  fail(problem: string): false {
    this.problem ??= problem;
    this.pos = this.end;
    return false;
  }

  /** The next byte that is not white space, without taking it; END when nothing is left. */
  peek(): number {
    const { bytes, pos, end } = this;
    const byte = pos < end ? (bytes[pos] ?? END) : END;
    if (byte > SPACE) return byte;
    this.pos = spaceEnd(bytes, pos, end);
    return this.pos < end ? (bytes[this.pos] ?? END) : END;
  }

  /** Takes the `{` of an object; its members follow by `nextKey`. */
  enterObject(): boolean {
    this.fresh = true;
    return this.take(OPEN_OBJECT) && this.descend();
  }

  /** Takes the `[` of an array; its items follow by `nextItem`. */
  enterArray(): boolean {
    this.fresh = true;
    return this.take(OPEN_ARRAY) && this.descend();
  }

  /** Takes a key and its colon, so that the value is next; false after the last member, whose `}` is taken. */
  nextKey(): boolean {
    return this.nextElement(CLOSE_OBJECT) && this.takeKey();
  }

  /** Makes the next item the next value; false after the last one, whose `]` is taken. */
  nextItem(): boolean {
    return this.nextElement(CLOSE_ARRAY);
  }

  /** Which name of the table the key taken last is: its index, or NO_KEY. A look-alike is a problem. */
  keyIn(table: KeyTable): number {
    const index = table.find(this.bytes, this.keyFrom, this.keyTo);
    if (index === LOOK_ALIKE) this.fail('the names of fields must be written exactly, in lower case');
    return index;
  }

  /** Takes one value: its text when it is a valid string of at most `maxBytes` bytes in the document. */
  readString(maxBytes: number): string | undefined {
    const isString = this.peek() === QUOTE;
    const start = this.pos + 1;
    if (!this.skip() || !isString || this.pos - 1 - start > maxBytes) return undefined;
    return decodeString(this.bytes, start, this.pos - 1);
  }

  /** Takes one value: its value when it is a number, written in at most MAX_NUMBER_BYTES. */
  readNumber(): number | undefined {
    const first = this.peek();
    const start = this.pos;
    const isNumber = first <= NINE && first !== QUOTE;
    if (!this.skip() || !isNumber || this.pos - start > MAX_NUMBER_BYTES) return undefined;
    return numberIn(this.bytes, start, this.pos);
  }

  /** Takes one value: its value when it is true or false. */
  readBoolean(): boolean | undefined {
    const first = this.peek();
    if (!this.skip()) return undefined;
    return first === LOWER_T ? true : first === LOWER_F ? false : undefined;
  }

  /** Takes one value of any kind. */
  skip(): boolean {
    return this.walk(undefined);
  }

  /** Takes one value of any kind and tells the visitor what is in it. */
  walk(visitor: JsonVisitor | undefined): boolean {
    this.visitor = visitor;
    this.pos = this.valueEnd(this.spaceEnd(this.pos), this.depth);
    return this.pos <= this.end ? this.problem === undefined : this.fail(NOT_JSON);
  }

  /** True when only white space is left, and there was no problem; anything else is a problem. */
  atEnd(): boolean {
    if (this.peek() !== END) this.fail(NOT_JSON);
    return this.problem === undefined;
  }

  // The methods below carry the position in locals: twice as fast as in a field. Each returns an offset that is not
  // before the one it was given, MALFORMED at the latest, so that they end whatever the bytes are.

  private valueEnd(pos: number, depth: number): number {
    this.values += 1;
    if (this.values > MAX_VALUES) {
      this.fail(TOO_MANY);
      return MALFORMED;
    }
    const byte = this.bytes[pos];
    if (byte === QUOTE) return this.stringEnd(pos);
    if (byte === OPEN_OBJECT) return this.objectEnd(pos, depth + 1);
    if (byte === OPEN_ARRAY) return this.arrayEnd(pos, depth + 1);
    return scalarEnd(this.bytes, pos, this.end);
  }

  private stringEnd(pos: number): number {
    const quote = stringEnd(this.bytes, pos + 1, this.end);
    this.visitor?.string(pos + 1, quote);
    return quote + 1;
  }

  private arrayEnd(start: number, depth: number): number {
    if (depth > MAX_DEPTH) return this.failDeep();
    const { bytes, visitor } = this;
    visitor?.open(start);
    let pos = this.spaceEnd(start + 1);
    if (bytes[pos] !== CLOSE_ARRAY) {
      for (;;) {
        pos = this.spaceEnd(this.valueEnd(pos, depth));
        if (bytes[pos] !== COMMA) break;
        pos = this.spaceEnd(pos + 1);
      }
      if (bytes[pos] !== CLOSE_ARRAY) return MALFORMED;
    }
    visitor?.close(pos + 1);
    return pos + 1;
  }

  private objectEnd(start: number, depth: number): number {
    if (depth > MAX_DEPTH) return this.failDeep();
    const { bytes, visitor } = this;
    visitor?.open(start);
    let pos = this.spaceEnd(start + 1);
    if (bytes[pos] !== CLOSE_OBJECT) {
      for (;;) {
        pos = this.spaceEnd(this.valueEnd(this.keyEnd(pos), depth));
        if (bytes[pos] !== COMMA) break;
        pos = this.spaceEnd(pos + 1);
      }
      if (bytes[pos] !== CLOSE_OBJECT) return MALFORMED;
    }
    visitor?.close(pos + 1);
    return pos + 1;
  }

  private keyEnd(pos: number): number {
    if (this.bytes[pos] !== QUOTE) return MALFORMED;
    const quote = stringEnd(this.bytes, pos + 1, this.end);
    this.visitor?.key(pos + 1, quote);
    const colon = this.spaceEnd(quote + 1);
    return this.bytes[colon] === COLON ? this.spaceEnd(colon + 1) : this.end + 1;
  }

  private spaceEnd(start: number): number {
    const byte = this.bytes[start] ?? 0;
    return byte > SPACE ? start : spaceEnd(this.bytes, start, this.end);
  }

  private failDeep(): number {
    this.fail(TOO_DEEP);
    return MALFORMED;
  }

  private take(byte: number): boolean {
    if (this.peek() !== byte) return this.fail(NOT_JSON);
    this.pos += 1;
    return true;
  }

  private descend(): boolean {
    if (this.depth === MAX_DEPTH) return this.fail(TOO_DEEP);
    this.depth += 1;
    return true;
  }

  private nextElement(closer: number): boolean {
    const byte = this.peek();
    const fresh = this.fresh;
    this.fresh = false;
    if (byte === closer) {
      this.pos += 1;
      this.depth -= 1;
      return false;
    }
    return fresh || this.take(COMMA);
  }

  private takeKey(): boolean {
    if (!this.take(QUOTE)) return false;
    this.keyFrom = this.pos;
    this.keyTo = stringEnd(this.bytes, this.pos, this.end);
    this.pos = this.keyTo + 1;
    return this.take(COLON);
  }
}

function hasByteOrderMark(bytes: Buffer, start: number, end: number): boolean {
  return end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
}
