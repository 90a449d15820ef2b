import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeySearch } from '../../../sidecar/protocol/key-search.ts';

const KEY = /"usage"[ \n\r\t]*(?::|$)/g;

/** All offsets of the key in a text that ends where the searched part ends. */
function twinOf(text: string): number[] {
  return [...text.matchAll(KEY)].map(({ index }) => index);
}

const eventText = fc
  .array(fc.constantFrom('"usage"', '"usage', 'usage":', ':', ' ', '{', '}', '"', 'u', '\\', 'sage', '"us'), {
    maxLength: 12,
  })
  .map((pieces) => pieces.join(''));

describe('a search for a key', () => {
  const search = new KeySearch('usage');

  it('finds the first and the last one that a plain search finds, and nothing behind the end', () => {
    fc.assert(
      fc.property(eventText, eventText, eventText, (before, text, behind) => {
        const bytes = Buffer.from(before + text + behind);
        const [start, end] = [before.length, before.length + text.length];
        const places = twinOf(text);
        expect(search.find(bytes, start, end)).toBe(places.length === 0 ? -1 : start + (places[0] ?? 0));
        expect(search.findLast(bytes, start, end)).toBe(
          places.length === 0 ? -1 : start + (places.at(-1) ?? 0),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('never reads a key that is not whole before the end', () => {
    const bytes = Buffer.from('{"usage":1}');
    for (let end = 0; end <= bytes.length; end += 1) {
      expect(search.valueOf(bytes, 1, end)).toBe(end < 8 ? -1 : Math.min(end, 9));
    }
  });

  it.each([
    ['{"usage":{}}', 9],
    ['{"usage" : \n{}}', 12],
    ['{"usage"', 8],
    ['{"usage":', 9],
    ['{"usage", 1}', -1],
    ['{"usages":1}', -1],
  ])('knows where the value is: %s', (text, value) => {
    expect(search.valueOf(Buffer.from(text), 1, text.length)).toBe(value);
  });
});
