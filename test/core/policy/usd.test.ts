import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUsd, toUsd } from '../../../core/policy/usd.ts';

describe('parseUsd', () => {
  it.each([
    ['25.00', 25_000_000],
    ['25', 25_000_000],
    ['0.1', 100_000],
    ['0.000001', 1],
    ['0.29', 290_000],
    ['1.005', 1_005_000],
    ['0', 0],
    ['4503599627.370497', 4_503_599_627_370_497],
  ])('reads %s as %d micro-dollars', (text, micros) => {
    expect(parseUsd(text)).toBe(micros);
  });

  it.each([
    '',
    '.',
    '.5',
    '5.',
    '1.0000001',
    '-1',
    '+1',
    '$5',
    '5$',
    '1,00',
    '1_000',
    '1e3',
    ' 1',
    '1 ',
    '1\n',
    '10k',
    '1.2.3',
    '1000000000000',
    'NaN',
  ])('refuses %j', (text) => {
    expect(parseUsd(text)).toBeUndefined();
  });

  it('is its digits with the point moved six places, exact up to 2^53 and above it otherwise', () => {
    const dollars = fc.bigInt({ min: 0n, max: 999_999_999_999n });
    const decimals = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(dollars, fc.option(decimals), (whole, fraction) => {
        const expected = BigInt(`${whole}${(fraction ?? '').padEnd(6, '0')}`);
        const parsed = parseUsd(fraction === null ? `${whole}` : `${whole}.${fraction}`) ?? -1;
        if (expected <= 2n ** 53n) expect(BigInt(parsed)).toBe(expected);
        else expect(parsed).toBeGreaterThanOrEqual(2 ** 53);
      }),
    );
  });
});

describe('toUsd', () => {
  it.each([
    [25_000_000, '25.00'],
    [1_500, '0.0015'],
    [1, '0.000001'],
    [0, '0.00'],
    [-1_500_000, '-1.50'],
  ])('writes %d micro-dollars as %s', (micros, text) => {
    expect(toUsd(micros)).toBe(text);
  });

  it('is read back as the same amount', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (micros) => {
        expect(parseUsd(toUsd(micros))).toBe(micros);
      }),
    );
  });
});
