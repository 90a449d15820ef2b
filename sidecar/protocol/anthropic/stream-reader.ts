// Reads a messages stream while it passes.

import type { Usage } from '../../../core/usage.ts';
import { spaceEnd, startsWith } from '../json-tokens.ts';
import { KeySearch } from '../key-search.ts';
import { OutputMeter } from '../output-meter.ts';
import type { UsageReader } from '../protocol.ts';
import { SseLines } from '../sse-lines.ts';
import { mergeEvent } from './message-usage.ts';

const DATA = Buffer.from('data:');
const USAGE = new KeySearch('usage');
const EMPTY = Buffer.alloc(0);

/**
 * A reader of the events of one stream; every byte passes as it came. `message_start` brings the input and one token of
 * output, each `message_delta` what there was in all up to then. So `usage` of a stream that was cut before its
 * `message_delta` has the true input and an output that is far too small: whoever settles a cut stream takes the larger
 * of that and what `outputBytes` says.
 */
export class MessageStreamReader implements UsageReader {
  private readonly lines = new SseLines();
  private readonly output = new OutputMeter();
  private reported: Usage | undefined = undefined;

  get outputBytes(): number {
    return this.output.outputBytes;
  }

  usage(): Usage | undefined {
    return this.reported;
  }

  push(chunk: Buffer): Buffer {
    this.lines.push(chunk);
    while (this.lines.next()) this.readLine();
    return chunk;
  }

  end(): Buffer {
    if (this.lines.flush()) this.readLine();
    return EMPTY;
  }

  private readLine(): void {
    const { bytes, start, end } = this.lines;
    if (!startsWith(bytes, start, DATA)) return;
    const json = spaceEnd(bytes, start + DATA.length, end);
    this.output.addEvent(bytes, json, end);
    if (USAGE.findLast(bytes, json, end) >= 0) this.reported = mergeEvent(this.reported, bytes, json, end);
  }
}
