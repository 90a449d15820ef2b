// Takes the usage event that only we asked for out of a stream, and leaves every other byte where and when it was.

import { ChunkSpan } from '../chunk-span.ts';
import { spaceEnd, startsWith } from '../json-tokens.ts';
import { KeySearch } from '../key-search.ts';
import { MAX_LINE_BYTES, type SseLines } from '../sse-lines.ts';

const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const DATA = Buffer.from('data:');
const CHOICES = new KeySearch('choices');
const EMPTY = Buffer.alloc(0);

/** An event that is not whole yet is held back at most this far. */
const MAX_HELD_BYTES = MAX_LINE_BYTES;

/** What is known of the event that the stream is in: nothing yet, the extra one so far, certainly another one. */
type Verdict = 'open' | 'extra' | 'other';

/**
 * Cuts the extra events out of a stream that is split by `lines`. Whole events leave with the chunk that they came in.
 * Only the part of an event that has no end yet is held back, and only while it could be the extra one: up to a non-empty
 * `choices`, and for at most 64 KiB. No client could act on such a part, because an event counts from its empty line on.
 */
export class ExtraEventFilter {
  private readonly lines: SseLines;
  private verdict: Verdict = 'open';
  /** Where in the stream the current event began; -1 between events. */
  private eventFrom = -1;
  /** The extra events of this chunk: where in the stream each begins and ends. */
  private cuts: (readonly [from: number, to: number])[] = [];
  private readonly held = new ChunkSpan(MAX_HELD_BYTES);
  /** Where in the stream the held part begins; -1 when nothing is held. */
  private heldFrom = -1;
  /** The line without end that was searched for `choices`, and how far. */
  private searchedLine = -1;
  private searchedTo = 0;

  constructor(lines: SseLines) {
    this.lines = lines;
  }

  /** The lines stand at a field of an event or at a comment; `isExtra` when it is the data of an extra event. */
  field(isExtra: boolean): void {
    const { lines } = this;
    const first = lines.isOverlong ? DATA[0] : lines.bytes[lines.start];
    if (first === COLON) return;
    if (this.eventFrom < 0) this.eventFrom = lines.from;
    if (isExtra && this.verdict === 'open') this.verdict = 'extra';
    else if (lines.isOverlong || startsWith(lines.bytes, lines.start, DATA)) this.verdict = 'other';
  }

  /** The lines stand at an empty line: the event is whole. */
  endEvent(): void {
    if (this.verdict === 'extra') this.cuts.push([this.eventFrom, this.lines.to]);
    this.verdict = 'open';
    this.eventFrom = -1;
  }

  /** All lines of the chunk were shown: what goes to the caller now. */
  take(chunk: Buffer): Buffer {
    const { total } = this.lines;
    const base = total - chunk.length;
    const holdFrom = this.holdFrom(total);
    if (this.cuts.length === 0 && this.heldFrom < 0) {
      if (holdFrom === total) return chunk;
      this.hold(chunk, holdFrom, base);
      return chunk.subarray(0, holdFrom - base);
    }
    if (this.cuts.length === 0 && holdFrom === this.heldFrom) {
      this.held.carry(chunk, chunk.length);
      return EMPTY;
    }
    const from = this.heldFrom < 0 ? base : this.heldFrom;
    const seen = this.heldFrom < 0 ? chunk : Buffer.concat([this.held.kept ?? EMPTY, chunk]);
    const out = this.withoutCuts(seen.subarray(0, holdFrom - from), from);
    this.heldFrom = -1;
    if (holdFrom < total) this.hold(seen, holdFrom, from);
    return out;
  }

  /** The end of the stream, after its last line was shown: what is still owed to the caller. */
  end(): Buffer {
    if (this.verdict === 'extra') this.cuts.push([this.eventFrom, this.lines.total]);
    const held = this.heldFrom < 0 ? EMPTY : (this.held.kept ?? EMPTY);
    return this.withoutCuts(held, this.heldFrom);
  }

  /** From where on the stream stays here for now; `total` when nothing does. */
  private holdFrom(total: number): number {
    const lineFrom = this.lines.to;
    const isBetween = this.eventFrom < 0 && lineFrom === total;
    if (isBetween || this.verdict === 'other') return total;
    const { partial } = this.lines;
    const isComment = partial?.[0] === COLON;
    const from = this.eventFrom >= 0 || isComment ? this.eventFrom : lineFrom;
    if (from < 0) return total;
    const isPossible = isComment || (partial !== undefined && this.couldBeExtra(partial, lineFrom));
    if (isPossible && total - from <= MAX_HELD_BYTES) return from;
    this.verdict = 'other';
    this.eventFrom = from;
    return total;
  }

  /** False when the line that begins with `partial` is data of another event for certain. */
  private couldBeExtra(partial: Buffer, lineFrom: number): boolean {
    const end = partial.length;
    if (!startsWith(partial, 0, DATA)) return true;
    const json = spaceEnd(partial, DATA.length, end);
    if (json < end && partial[json] !== OPEN_OBJECT) return false;
    if (this.searchedLine !== lineFrom) {
      this.searchedLine = lineFrom;
      this.searchedTo = json;
    }
    const at = CHOICES.find(partial, this.searchedTo, end);
    this.searchedTo = at < 0 ? Math.max(this.searchedTo, end - CHOICES.wordBytes) : at;
    const choices = at < 0 ? end : CHOICES.valueOf(partial, at, end);
    if (choices >= end) return true;
    const item = spaceEnd(partial, choices + 1, end);
    return partial[choices] === OPEN_ARRAY && (item === end || partial[item] === CLOSE_ARRAY);
  }

  private hold(seen: Buffer, from: number, seenFrom: number): void {
    this.heldFrom = from;
    this.held.begin(from - seenFrom);
    this.held.carry(seen, seen.length);
  }

  private withoutCuts(bytes: Buffer, bytesFrom: number): Buffer {
    if (this.cuts.length === 0) return bytes;
    const kept: Buffer[] = [];
    let at = 0;
    for (const [from, to] of this.cuts) {
      kept.push(bytes.subarray(at, from - bytesFrom));
      at = to - bytesFrom;
    }
    kept.push(bytes.subarray(at));
    this.cuts = [];
    return Buffer.concat(kept);
  }
}
