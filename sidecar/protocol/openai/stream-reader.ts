// Reads a chat completions stream while it passes.

import type { Usage } from '../../../core/usage.ts';
import { spaceEnd, startsWith } from '../json-tokens.ts';
import { KeySearch } from '../key-search.ts';
import { OutputMeter } from '../output-meter.ts';
import type { UsageReader } from '../protocol.ts';
import { SseLines } from '../sse-lines.ts';
import { readChunk } from './chat-usage.ts';
import { ExtraEventFilter } from './extra-event.ts';

const DATA = Buffer.from('data:');
const OPEN_OBJECT = 0x7b;
const USAGE = new KeySearch('usage');
const EMPTY = Buffer.alloc(0);

/**
 * A reader of the events of one stream. Looks for usage in every event, because not every provider keeps to the last one;
 * an event without a usage object is only searched, not parsed. With `swallowsExtra` the event that brings nothing but
 * usage is kept from the caller.
 */
export class ChatStreamReader implements UsageReader {
  private readonly lines = new SseLines();
  private readonly output = new OutputMeter();
  private readonly filter: ExtraEventFilter | undefined;
  private reported: Usage | undefined = undefined;

  constructor(swallowsExtra: boolean) {
    this.filter = swallowsExtra ? new ExtraEventFilter(this.lines) : undefined;
  }

  get outputBytes(): number {
    return this.output.outputBytes;
  }

  usage(): Usage | undefined {
    return this.reported;
  }

  push(chunk: Buffer): Buffer {
    const { lines, filter } = this;
    lines.push(chunk);
    while (lines.next()) this.readLine();
    return filter === undefined ? chunk : filter.take(chunk);
  }

  end(): Buffer {
    if (this.lines.flush()) this.readLine();
    return this.filter?.end() ?? EMPTY;
  }

  private readLine(): void {
    const { bytes, start, end, isOverlong } = this.lines;
    if (start === end && !isOverlong) this.filter?.endEvent();
    else {
      const isExtra = startsWith(bytes, start, DATA) && this.readData(bytes, start + DATA.length, end);
      this.filter?.field(isExtra);
    }
  }

  /** True for the extra event. */
  private readData(bytes: Buffer, start: number, end: number): boolean {
    const json = spaceEnd(bytes, start, end);
    this.output.addEvent(bytes, json, end);
    // Once asked for, the key is in every event, with null in all but one. It stands near the end.
    const at = USAGE.findLast(bytes, json, end);
    if (at < 0 || bytes[USAGE.valueOf(bytes, at, end)] !== OPEN_OBJECT) return false;
    const chunk = readChunk(bytes, json, end);
    this.reported = chunk.usage ?? this.reported;
    return chunk.isExtra;
  }
}
