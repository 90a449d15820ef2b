import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextTally } from '../../../sidecar/protocol/text-tally.ts';

const PROSE =
  'The governor holds the engine at one speed, whatever the load: when it turns faster, the balls rise and the valve closes a little. ';
const CODE =
  'if (speed > limit[i]) { valve.set(0.5 * (a_1 + b_2)); } else { return {"ok": true, "n": 42}; } ';
const CJK = '调速器使发动机保持恒定的速度。';

function tally(text: string, isCode = false): TextTally {
  const bytes = Buffer.from(`"${text}"`);
  const counted = new TextTally();
  counted.add(bytes, 1, bytes.length - 1, isCode);
  return counted;
}

function shares({ proseBytes, codeBytes, nonAsciiBytes }: TextTally): readonly number[] {
  const sum = proseBytes + codeBytes + nonAsciiBytes;
  return [proseBytes, codeBytes, nonAsciiBytes].map((bytes) => bytes / sum);
}

describe('a string', () => {
  it('is counted with every byte once', () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'abc 1{"}é蒸🚂'), maxLength: 3_000 }),
      fc.tuple(fc.constantFrom(PROSE, CODE, CJK), fc.nat(300)).map(([unit, times]) => unit.repeat(times)),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (string, isCode) => {
        const { proseBytes, codeBytes, nonAsciiBytes } = tally(string, isCode);
        expect(proseBytes + codeBytes + nonAsciiBytes).toBe(Buffer.byteLength(string));
        expect(Math.min(proseBytes, codeBytes, nonAsciiBytes)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('of up to 256 bytes has its digits and non-ASCII bytes counted exactly', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab 12{é蒸'), maxLength: 80 }), (string) => {
        const twin = Buffer.from(string);
        const { digitBytes, nonAsciiBytes } = tally(string);
        expect(digitBytes).toBe(twin.filter((byte) => byte >= 0x30 && byte <= 0x39).length);
        expect(nonAsciiBytes).toBe(twin.filter((byte) => byte >= 0x80).length);
      }),
    );
  });

  it.each([
    ['prose', PROSE, [1, 0, 0]],
    ['code', CODE, [0, 1, 0]],
    ['Chinese', CJK, [0, 0, 1]],
    ['long prose', PROSE.repeat(500), [1, 0, 0]],
    ['long code', CODE.repeat(500), [0, 1, 0]],
    ['long Chinese', CJK.repeat(500), [0, 0, 1]],
    [
      'JSON inside JSON',
      JSON.stringify(JSON.stringify({ id: 1, name: 'item', price: 9.5 })).slice(1, -1),
      [0, 1, 0],
    ],
    ['prose in short lines', PROSE.repeat(3).replaceAll(/(\w+) /g, '$1\\n'), [1, 0, 0]],
    ['half prose and half code', PROSE.repeat(40) + CODE.repeat(60), [0.48, 0.52, 0]],
    ['a third Chinese', PROSE.repeat(20) + CJK.repeat(30), [0.66, 0, 0.34]],
  ])('is told apart: %s', (_name, text, expected) => {
    const got = shares(tally(text));
    expected.forEach((share, place) => {
      expect(got[place]).toBeGreaterThan(share - 0.1);
      expect(got[place]).toBeLessThan(share + 0.1);
    });
  });

  it('that is code by definition has no prose', () => {
    expect(tally(PROSE, true)).toMatchObject({ proseBytes: 0, codeBytes: PROSE.length });
  });

  it.each([
    ['exactly when it is short', 1, 1],
    ['nearly when it is long', 200, 0.95],
  ])('in escapes counts like the UTF-8 that they stand for: %s', (_name, times, least) => {
    const text = CJK.repeat(times);
    const escapes = [...text].map((each) => `\\u${each.charCodeAt(0).toString(16)}`).join('');
    const { nonAsciiBytes } = tally(escapes);
    expect(nonAsciiBytes).toBeGreaterThanOrEqual(least * Buffer.byteLength(text));
    expect(nonAsciiBytes).toBeLessThanOrEqual(Buffer.byteLength(text));
  });

  it('with ASCII in escapes counts as code', () => {
    expect(shares(tally('\\u003cb\\u003e \\u0026 '.repeat(10)))[1]).toBe(1);
  });

  it.each(['', '\\', '\\u', '\\u4e', '"'])('that is broken (%j) does no harm', (text) => {
    const { proseBytes, codeBytes, nonAsciiBytes } = tally(text);
    expect(proseBytes + codeBytes + nonAsciiBytes).toBeGreaterThanOrEqual(0);
    expect(proseBytes + codeBytes + nonAsciiBytes).toBeLessThanOrEqual(6);
  });
});
