import { expect, test } from 'vitest';
import type { TokenEstimate } from '../../../core/estimate/estimate.ts';
import type { Price } from '../../../core/price/price-table.ts';
import { spendOf } from '../../../core/price/spend.ts';

/** Dollars per million tokens: input 2, read from a cache 1, written to one 3, output 10. */
const PRICE: Price = {
  inputMicrosPerMTok: 2_000_000,
  cachedInputMicrosPerMTok: 1_000_000,
  cacheWriteMicrosPerMTok: 3_000_000,
  outputMicrosPerMTok: 10_000_000,
  maxOutputTokens: undefined,
};

const ESTIMATE: TokenEstimate = {
  learned: { input: 100, output: 20 },
  strict: { input: 150, output: 500 },
  known: { input: 10, output: 0 },
  outputBounded: true,
};

test('learned spends the plain price, strict the dearest input price, known the cheapest', () => {
  expect(spendOf(PRICE, ESTIMATE)).toEqual({
    learned: 100 * 2 + 20 * 10,
    strict: 150 * 3 + 500 * 10,
    knownLearned: 10,
    knownStrict: 10 + 500 * 10,
  });
});

test('an output cap that is a guess is not known', () => {
  expect(spendOf(PRICE, { ...ESTIMATE, outputBounded: false }).knownStrict).toBe(10);
});

test('no price of caches makes the strict spend less than the plain one, or the known more', () => {
  const odd = { ...PRICE, cachedInputMicrosPerMTok: 5_000_000, cacheWriteMicrosPerMTok: 1_000_000 };
  const { strict, knownLearned } = spendOf(odd, ESTIMATE);
  expect(strict).toBe(150 * 2 + 500 * 10);
  expect(knownLearned).toBe(10 * 2);
});
