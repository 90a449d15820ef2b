import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LINE_BYTES, SseLines } from '../../../sidecar/protocol/sse-lines.ts';
import { bytewise, cutAt, cutsOf } from './cuts.ts';

type Line = {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly isOverlong: boolean;
};

function linesOf(chunks: readonly Buffer[]): Line[] {
  const lines = new SseLines();
  const seen: Line[] = [];
  const note = () => {
    const { bytes, start, end, from, to, isOverlong } = lines;
    seen.push({ text: bytes.toString('latin1', start, end), from, to, isOverlong });
  };
  for (const chunk of chunks) {
    lines.push(chunk);
    while (lines.next()) note();
  }
  if (lines.flush()) note();
  return seen;
}

/** The dumb twin: the whole text at once. */
function twinOf(bytes: Buffer): Line[] {
  const text = bytes.toString('latin1');
  const seen: Line[] = [];
  for (const [line, content = ''] of text.matchAll(/([^\r\n]*)(?:\r\n|\r|\n|$)/g)) {
    const from = seen.at(-1)?.to ?? 0;
    if (line === '') continue;
    const isOverlong = content.length > MAX_LINE_BYTES;
    const inside = from === 0 ? content.replace(/^\xef\xbb\xbf/, '') : content;
    seen.push({ text: isOverlong ? '' : inside, from, to: from + line.length, isOverlong });
  }
  return seen;
}

const streamText = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', '\n\n', 'data: x', ':', 'é', '\ufeff', 'event'), {
    maxLength: 20,
  })
  .map((pieces) => Buffer.from(pieces.join('')));

describe('the lines of a stream', () => {
  it('are those of the whole text, however it is cut', () => {
    const cutStream = streamText.chain((bytes) => cutsOf(bytes).map((chunks) => ({ bytes, chunks })));
    fc.assert(
      fc.property(cutStream, ({ bytes, chunks }) => {
        expect(linesOf(chunks)).toEqual(twinOf(bytes));
        expect(linesOf(bytewise(bytes))).toEqual(twinOf(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    MAX_LINE_BYTES - 1,
    MAX_LINE_BYTES,
    MAX_LINE_BYTES + 1,
    10 * 1_048_576,
  ])('of %i bytes are kept up to 64 KiB, and never change their neighbours', (length) => {
    const bytes = Buffer.from(`before\n${'x'.repeat(length)}\r\nafter\n`);
    const expected = twinOf(bytes);
    expect(expected[1]?.isOverlong).toBe(length > MAX_LINE_BYTES);
    for (const cuts of [
      [],
      [20],
      [7, 8, 9],
      [7 + length - 1, 7 + length, 7 + length + 1],
      [40_000, 70_000],
    ]) {
      const inside = cuts.filter((cut) => cut < bytes.length);
      expect(linesOf(cutAt(bytes, inside))).toEqual(expected);
    }
  });

  it('of a line without end keep no more than 64 KiB', () => {
    const lines = new SseLines();
    const chunk = Buffer.alloc(65_536, 'x');
    const before = process.memoryUsage().arrayBuffers;
    for (let pushed = 0; pushed < 1_024; pushed += 1) {
      lines.push(chunk);
      expect(lines.next()).toBe(false);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_048_576);
    expect([lines.flush(), lines.isOverlong]).toEqual([true, true]);
  });
});
