// The lines of an event stream (WHATWG HTML, "server-sent events"), found while its chunks pass.

import { ChunkSpan } from './chunk-span.ts';
import { startsWith } from './json-tokens.ts';

/** Longer lines are not kept: they pass, and the reader sees `isOverlong`. */
export const MAX_LINE_BYTES = 65_536;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const EMPTY = Buffer.alloc(0);

/**
 * Splits a stream into lines that end in LF, CRLF or CR; a byte order mark in front is left out. Which lines there are
 * does not depend on how the stream was cut into chunks. Keeps at most MAX_LINE_BYTES beside the chunk.
 *
 * After each `push` call `next` until it is false; at the end of the stream call `flush` once. After a call that
 * returned true, the line is `bytes[start, end)` without its end, and covers `[from, to)` of the stream with it.
 */
export class SseLines {
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;
  from = 0;
  to = 0;
  /** The line was longer than MAX_LINE_BYTES; its bytes are gone, `bytes[start, end)` is empty. */
  isOverlong = false;
  private readonly span = new ChunkSpan(MAX_LINE_BYTES);
  private chunk: Buffer = EMPTY;
  /** Offset of the chunk in the stream. */
  private base = 0;
  /** In the chunk: the first byte that was not looked at. */
  private pos = 0;
  /** In the chunk, at or behind `pos`; its length when there is none. */
  private lineFeed = 0;
  private carriageReturn = 0;
  /** The chunk ended in a CR; an LF in front of the next one belongs to it. */
  private endsInReturn = false;

  /** Bytes pushed so far. */
  get total(): number {
    return this.base + this.chunk.length;
  }

  /** What is known of the line that has no end yet, when it goes on in the next chunk; undefined when it is overlong. */
  get partial(): Buffer | undefined {
    const { kept } = this.span;
    return this.to === 0 && kept !== undefined ? kept.subarray(markEnd(kept, 0)) : kept;
  }

  push(chunk: Buffer): void {
    this.base += this.chunk.length;
    this.chunk = chunk;
    this.pos = 0;
    this.lineFeed = find(chunk, LINE_FEED, 0);
    this.carriageReturn = find(chunk, CARRIAGE_RETURN, 0);
  }

  next(): boolean {
    const { chunk } = this;
    const pos = this.pos;
    if (pos >= chunk.length) return false;
    if (this.endsInReturn) {
      this.endsInReturn = false;
      return this.take(pos, chunk[pos] === LINE_FEED ? pos + 1 : pos);
    }
    const end = this.endFrom(pos);
    this.endsInReturn = end === chunk.length - 1 && chunk[end] === CARRIAGE_RETURN;
    if (end < chunk.length && !this.endsInReturn) {
      const isPair = chunk[end] === CARRIAGE_RETURN && chunk[end + 1] === LINE_FEED;
      return this.take(end, isPair ? end + 2 : end + 1);
    }
    this.span.carry(chunk, end);
    this.pos = chunk.length;
    return false;
  }

  /** The last line, when the stream ended without an end of line. */
  flush(): boolean {
    this.push(EMPTY);
    this.endsInReturn = false;
    return this.to < this.base && this.take(0, 0);
  }

  /** Where in the chunk the line at `pos` has its end; the length of the chunk when it goes on. */
  private endFrom(pos: number): number {
    const { chunk } = this;
    // Between events the empty line is next.
    if (this.lineFeed < pos) this.lineFeed = chunk[pos] === LINE_FEED ? pos : find(chunk, LINE_FEED, pos);
    if (this.carriageReturn < pos) this.carriageReturn = find(chunk, CARRIAGE_RETURN, pos);
    return Math.min(this.lineFeed, this.carriageReturn);
  }

  /** The line ends before `end`, the next one begins at `behind`. */
  private take(end: number, behind: number): true {
    const { span } = this;
    this.isOverlong = !span.finish(this.chunk, end);
    this.bytes = span.bytes;
    this.end = span.end;
    this.start = this.isOverlong ? span.end : span.start;
    this.from = this.to;
    if (this.from === 0 && !this.isOverlong) this.start = markEnd(this.bytes, this.start);
    this.to = this.base + behind;
    this.pos = behind;
    span.begin(behind === this.chunk.length ? 0 : behind);
    return true;
  }
}

/** Behind the byte order mark at `start`, if there is one. */
function markEnd(bytes: Buffer, start: number): number {
  return startsWith(bytes, start, BYTE_ORDER_MARK) ? start + BYTE_ORDER_MARK.length : start;
}

/** The offset of the byte at or behind `from`; the length of the chunk when there is none. */
function find(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from);
  return at < 0 ? chunk.length : at;
}
