import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuantity } from '../../../core/policy/quantity.ts';

const ZEROS = { '': '', k: '000', M: '000000', G: '000000000' };
const suffixes = Object.keys(ZEROS) as (keyof typeof ZEROS)[];

describe('parseQuantity', () => {
  it.each([
    ['0', 0],
    ['5', 5],
    ['50k', 50_000],
    ['1M', 1_000_000],
    ['2G', 2_000_000_000],
    ['007', 7],
    ['999999999999', 999_999_999_999],
  ])('reads %s as %d', (text, amount) => {
    expect(parseQuantity(text)).toBe(amount);
  });

  it.each([
    '',
    'k',
    '1K',
    '1m',
    '1g',
    '1T',
    '1.5k',
    '-1',
    '+1',
    '1e3',
    '1_000',
    '1,000',
    ' 1',
    '1 ',
    '1\n',
    '1 k',
    '1kk',
    '1Ki',
    '0x10',
    '1000000000000',
    '١',
  ])('refuses %j', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  it('is the number with the zeros of its suffix written out, exact up to 2^53 and above it otherwise', () => {
    const digits = fc.bigInt({ min: 0n, max: 999_999_999_999n });
    fc.assert(
      fc.property(digits, fc.constantFrom(...suffixes), (number, suffix) => {
        const expected = BigInt(`${number}${ZEROS[suffix]}`);
        const parsed = parseQuantity(`${number}${suffix}`) ?? -1;
        if (expected <= 2n ** 53n) expect(BigInt(parsed)).toBe(expected);
        else expect(parsed).toBeGreaterThanOrEqual(2 ** 53);
      }),
    );
  });
});
