// Reads a plain JSON answer while it passes: the usage in its outermost object, and how much text it brings.

import type { Usage } from '../../core/usage.ts';
import { ChunkSpan } from './chunk-span.ts';
import { type KeyTable, NO_KEY } from './json-keys.ts';
import { JsonScan, type JsonVisitor } from './json-scan.ts';
import { isEscaped, MALFORMED, stringEnd } from './json-tokens.ts';
import type { UsageReader } from './protocol.ts';

/** A longer usage object is not read. */
const MAX_USAGE_BYTES = 65_536;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
/** What sets `{` apart from `[`. */
const BRACE_BIT = 0x20;
const EMPTY = Buffer.alloc(0);

const IS_STRUCTURE = new Uint8Array(256);
for (const byte of Buffer.from('"{}[]:,')) IS_STRUCTURE[byte] = 1;

const USAGE = 0;
const TEXT = 1;

/** How a protocol writes its plain answers. */
export type AnswerShape = {
  /** Two names of the outermost object, in this order: of its usage, and of what the model wrote. */
  readonly fields: KeyTable;
  readonly readUsage: (scan: JsonScan) => Usage | undefined;
};

/**
 * Follows the brackets and strings of one JSON document over any cuts; what it keeps is at most one key or one usage
 * object. `outputBytes` counts all strings that are values inside the text field, names of types and roles included.
 * The document is only followed, not checked: a malformed one reports whatever was seen.
 */
export class AnswerReader implements UsageReader {
  outputBytes = 0;
  private readonly shape: AnswerShape;
  private reported: Usage | undefined = undefined;
  private hasBegun = false;
  private isOver = false;
  private depth = 0;
  /** Which field of the outermost object the position is in. */
  private field = NO_KEY;
  /** In the outermost object, before a key. */
  private expectsKey = false;
  private isInString = false;
  /** The last chunk ended between a backslash and what it escapes. */
  private isInEscape = false;
  private stringBytes = 0;
  /** The key or the usage object that is being kept. */
  private readonly span = new ChunkSpan(MAX_USAGE_BYTES);
  private isKeeping = false;

  constructor(shape: AnswerShape) {
    this.shape = shape;
  }

  usage(): Usage | undefined {
    return this.reported;
  }

  push(chunk: Buffer): Buffer {
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.isOver = this.readWhole(chunk);
    }
    let pos = 0;
    while (pos < chunk.length && !this.isOver) {
      pos = this.isInString ? this.passString(chunk, pos) : this.passStructure(chunk, pos);
    }
    if (this.isKeeping) this.span.carry(chunk, chunk.length);
    return chunk;
  }

  end(): Buffer {
    return EMPTY;
  }

  /** Most answers come in one chunk: a scan of the whole costs half. False when this is not a whole document. */
  private readWhole(chunk: Buffer): boolean {
    const scan = new JsonScan(chunk);
    const meter = new StringMeter();
    let usage: Usage | undefined;
    scan.enterObject();
    while (scan.nextKey()) {
      const field = scan.keyIn(this.shape.fields);
      const start = scan.pos;
      if (field === USAGE) {
        const read = this.shape.readUsage(scan);
        usage = scan.pos - start > MAX_USAGE_BYTES ? usage : (read ?? usage);
      } else scan.walk(field === TEXT ? meter : undefined);
    }
    if (!scan.atEnd()) return false;
    this.reported = usage;
    this.outputBytes = meter.stringBytes;
    return true;
  }

  /** Goes on behind the next opening quote, or to the end of the chunk. */
  private passStructure(chunk: Buffer, start: number): number {
    let pos = structureFrom(chunk, start);
    while (pos < chunk.length) {
      const byte = chunk[pos] ?? 0;
      pos += 1;
      if (byte === QUOTE) {
        this.openString(pos);
        return pos;
      }
      if (byte === COLON) this.passColon(pos);
      else if (byte === COMMA) this.passComma();
      else if ((byte | BRACE_BIT) === OPEN_OBJECT) this.open(byte);
      else this.close(chunk, pos);
      pos = structureFrom(chunk, pos);
    }
    return pos;
  }

  /** Goes on behind the closing quote, or to the end of the chunk. */
  private passString(chunk: Buffer, start: number): number {
    const from = this.isInEscape ? start + 1 : start;
    const quote = stringEnd(chunk, from, chunk.length);
    const end = quote === MALFORMED ? chunk.length : quote;
    this.stringBytes += end - start;
    if (this.field === TEXT) this.outputBytes += end - start;
    this.isInEscape = quote === MALFORMED && isEscaped(chunk, from, chunk.length);
    if (quote === MALFORMED) return chunk.length;
    this.isInString = false;
    if (this.expectsKey) this.closeKey(chunk, quote);
    return quote + 1;
  }

  private openString(at: number): void {
    this.isInString = true;
    this.stringBytes = 0;
    if (this.expectsKey) this.keep(at);
  }

  private closeKey(chunk: Buffer, end: number): void {
    const { span } = this;
    this.expectsKey = false;
    this.isKeeping = false;
    this.field = span.finish(chunk, end) ? this.shape.fields.find(span.bytes, span.start, span.end) : NO_KEY;
  }

  private passColon(valueAt: number): void {
    if (this.depth === 1) {
      if (this.field === USAGE) this.keep(valueAt);
    } else if (this.field === TEXT) {
      // The string before a colon was a key.
      this.outputBytes -= this.stringBytes;
    }
  }

  private passComma(): void {
    if (this.depth !== 1) return;
    this.isKeeping = false;
    this.field = NO_KEY;
    this.expectsKey = true;
  }

  private open(byte: number): void {
    this.depth += 1;
    this.expectsKey = this.depth === 1 && byte === OPEN_OBJECT;
  }

  private close(chunk: Buffer, end: number): void {
    this.depth -= 1;
    if (this.depth === 1 && this.isKeeping) this.closeUsage(chunk, end);
    if (this.depth === 0) this.isOver = true;
  }

  private closeUsage(chunk: Buffer, end: number): void {
    const { span } = this;
    this.isKeeping = false;
    if (!span.finish(chunk, end)) return;
    this.reported = this.shape.readUsage(new JsonScan(span.bytes, span.start, span.end)) ?? this.reported;
  }

  private keep(at: number): void {
    this.isKeeping = true;
    this.span.begin(at);
  }
}

/** The offset of the next quote, bracket, colon or comma; the length of the chunk when there is none. */
function structureFrom(chunk: Buffer, start: number): number {
  let pos = start;
  while (pos < chunk.length && IS_STRUCTURE[chunk[pos] ?? 0] === 0) pos += 1;
  return pos;
}

/** Counts the bytes of all strings that are values. */
class StringMeter implements JsonVisitor {
  stringBytes = 0;

  string(start: number, end: number): void {
    this.stringBytes += end - start;
  }

  key(): void {}
  open(): void {}
  close(): void {}
}
