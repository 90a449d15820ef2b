import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashString } from '../../core/hash-string.ts';

/** FNV-1a as its authors write it, in big integers. */
function dumbHash(text: string): number {
  let hash = 0x811c9dc5n;
  for (const byte of Buffer.from(text, 'latin1')) hash = ((hash ^ BigInt(byte)) * 0x01000193n) % 2n ** 32n;
  return Number(hash);
}

describe('hashString', () => {
  it.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
    ['hello', 0x4f9f2cab],
  ])('hashes %j as the published test vectors do', (text, hash) => {
    expect(hashString(text)).toBe(hash);
  });

  it('agrees with big-integer arithmetic on every text of bytes', () => {
    const bytes = fc.array(fc.nat({ max: 255 })).map((codes) => String.fromCharCode(...codes));
    fc.assert(fc.property(bytes, (text) => hashString(text) === dumbHash(text)));
  });

  it('tells apart characters that differ only in their high byte', () => {
    expect(hashString('\u0141')).not.toBe(hashString('\u0241'));
  });
});
