import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../core/policy/duration.ts';

const MS = { h: 3_600_000n, m: 60_000n, s: 1_000n, ms: 1n };
const units = Object.keys(MS) as (keyof typeof MS)[];

describe('parseDuration', () => {
  it.each([
    ['1s', 1_000],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['30m1h', 5_400_000],
    ['744h', 2_678_400_000],
    ['5ms', 5],
    ['1m5ms', 60_005],
    ['0s', 0],
    ['08s', 8_000],
    ['99999h99999m99999s99999ms', 366_096_438_999],
  ])('reads %s as %d ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each([
    '',
    '1',
    's',
    '1.5h',
    '-1s',
    '+1s',
    '1 h',
    ' 1h',
    '1h ',
    '1h\n',
    '1d',
    '1w',
    '1us',
    '1H',
    '100000s',
    '1s1s1s1s1s',
    '1h-30m',
    '１s',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('adds up its parts exactly, as big integers do', () => {
    const part = fc.tuple(fc.nat({ max: 99_999 }), fc.constantFrom(...units));
    const parts = fc.array(part, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(parts, (written) => {
        const sum = written.reduce((total, [count, unit]) => total + BigInt(count) * MS[unit], 0n);
        expect(parseDuration(written.map(([count, unit]) => `${count}${unit}`).join(''))).toBe(Number(sum));
      }),
    );
  });
});
