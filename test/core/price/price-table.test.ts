import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePriceTable } from '../../../core/price/parse-price-table.ts';
import { costMicros, type Price, type PriceTable, priceOf } from '../../../core/price/price-table.ts';
import { LIST_PRICES } from '../../../core/price/prices.ts';
import type { Usage } from '../../../core/usage.ts';

function valid(raw: unknown): PriceTable {
  const parsed = parsePriceTable(raw);
  if (parsed.kind !== 'valid') throw new Error(JSON.stringify(parsed.problems));
  return parsed.table;
}

const LIST = valid(LIST_PRICES);

/** Input price by name, in dollars per million tokens. */
function inputDollars(table: PriceTable, model: string): number | undefined {
  const price = priceOf(table, model);
  return price === undefined ? undefined : price.inputMicrosPerMTok / 1e6;
}

describe('the list prices', () => {
  test('are valid and dated', () => {
    expect(LIST.date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(LIST.models.size).toBeGreaterThan(20);
  });

  test.each([
    ['gpt-4o', 2.5],
    ['gpt-4o-2024-11-20', 2.5],
    ['gpt-4o-2024-05-13', 5],
    ['gpt-4o-mini-2024-07-18', 0.15],
    ['gpt-4-0613', 30],
    ['gpt-3.5-turbo-0125', 0.5],
    ['claude-sonnet-4-20250514', 3],
    ['claude-sonnet-4-5-20250929', 3],
    ['claude-opus-4-1@20250805', 15],
    ['claude-3-5-haiku-latest', 0.8],
  ])('%s costs %d dollars per million input tokens', (model, dollars) => {
    expect(inputDollars(LIST, model)).toBe(dollars);
  });

  test.each([
    'gpt-4o-audio-preview',
    'gpt-4o-2024-11-20-preview',
    'gpt-4o-',
    'gpt-2024-11-20-4o',
    'gpt',
    'ft:gpt-4o-2024-08-06:acme::b9xQ',
    'GPT-4O',
    'claude-sonnet',
    'house-model',
    '',
    '__proto__',
    'constructor',
    '-2024-11-20',
  ])('%j has no price: none is guessed from a similar name', (model) => {
    expect(priceOf(LIST, model)).toBeUndefined();
  });

  test('cache reads cost less than input, and cache writes at Anthropic a quarter more', () => {
    for (const [name, price] of LIST.models) {
      expect(price.cachedInputMicrosPerMTok, name).toBeLessThanOrEqual(price.inputMicrosPerMTok);
      const write = price.cacheWriteMicrosPerMTok / price.inputMicrosPerMTok;
      if (!name.startsWith('claude')) expect(write, name).toBe(1);
      // 25 % more, but for the one model whose list price is rounded down.
      else expect(write, name).toBeCloseTo(name === 'claude-3-haiku' ? 1.2 : 1.25, 6);
    }
  });

  test('every model says how much it can write', () => {
    for (const [name, price] of LIST.models) expect(price.maxOutputTokens, name).toBeGreaterThanOrEqual(0);
  });
});

describe('priceOf', () => {
  const cheap = { inputPerMTok: '1', outputPerMTok: '1' };
  const dear = { inputPerMTok: '2', outputPerMTok: '2' };
  const dearest = { inputPerMTok: '3', outputPerMTok: '3' };

  test('takes the exact name before the name without date, and that before a prefix', () => {
    const table = valid({ date: '2026-01-31', models: { 'm-2026-01-01': cheap, m: dear, 'm*': dearest } });
    expect(['m-2026-01-01', 'm-2026-02-02', 'm', 'm-large'].map((name) => inputDollars(table, name))).toEqual(
      [1, 2, 2, 3],
    );
  });

  test('takes the longest prefix, however the table is ordered', () => {
    const table = valid({
      date: '2026-01-31',
      models: { '*': cheap, 'house-*': dear, 'house-large*': dearest },
    });
    expect(['x', 'house-small', 'house-large-2'].map((name) => inputDollars(table, name))).toEqual([1, 2, 3]);
  });
});

const price: fc.Arbitrary<Price> = fc.record({
  inputMicrosPerMTok: fc.nat(999_999_999_999),
  cachedInputMicrosPerMTok: fc.nat(999_999_999_999),
  cacheWriteMicrosPerMTok: fc.nat(200_000_000),
  outputMicrosPerMTok: fc.nat(200_000_000),
  maxOutputTokens: fc.constant(undefined),
});

const tokens = fc.oneof(
  { weight: 4, arbitrary: fc.nat(1_000_000) },
  { weight: 1, arbitrary: fc.nat(Number.MAX_SAFE_INTEGER) },
);

const usage: fc.Arbitrary<Usage> = fc.record({
  inputTokens: tokens,
  cacheReadTokens: tokens,
  cacheWriteTokens: tokens,
  outputTokens: tokens,
});

/** The dumb twin: BigInt throughout. */
function exactMicros(rates: Price, used: Usage): bigint {
  const sum =
    BigInt(used.inputTokens) * BigInt(rates.inputMicrosPerMTok) +
    BigInt(used.cacheReadTokens) * BigInt(rates.cachedInputMicrosPerMTok) +
    BigInt(used.cacheWriteTokens) * BigInt(rates.cacheWriteMicrosPerMTok) +
    BigInt(used.outputTokens) * BigInt(rates.outputMicrosPerMTok);
  return sum / 1_000_000n + (sum % 1_000_000n > 0n ? 1n : 0n);
}

describe('costMicros', () => {
  test('is exact for every count and price, and ends at the largest whole number', () => {
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    fc.assert(
      fc.property(price, usage, (rates, used) => {
        const exact = exactMicros(rates, used);
        expect(BigInt(costMicros(rates, used))).toBe(exact > most ? most : exact);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each<[string, string, Partial<Usage>, number]>([
    ['nothing is free', 'gpt-4o', {}, 0],
    ['one token is rounded up', 'gpt-5-nano', { inputTokens: 1 }, 1],
    ['parts of a micro-dollar add up before rounding', 'gpt-5-nano', { inputTokens: 10, outputTokens: 1 }, 1],
    ['a million tokens cost the list price', 'gpt-4o', { inputTokens: 1_000_000 }, 2_500_000],
    ['a cache read costs its own price', 'claude-sonnet-4-5', { cacheReadTokens: 1_000_000 }, 300_000],
    ['a cache write costs its own price', 'claude-sonnet-4-5', { cacheWriteTokens: 1_000_000 }, 3_750_000],
    ['output costs its own price', 'claude-sonnet-4-5', { outputTokens: 1_000_000 }, 15_000_000],
    ['a typical call', 'gpt-4o', { inputTokens: 1_234, cacheReadTokens: 1_024, outputTokens: 321 }, 7_575],
  ])('%s', (_rule, model, part, micros) => {
    const rates = priceOf(LIST, model);
    if (rates === undefined) throw new Error(`no price for ${model}`);
    const none = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
    expect(costMicros(rates, { ...none, ...part })).toBe(micros);
  });

  test('a sum of calls never costs less than all their tokens at once, nor a micro-dollar a call more', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 20 }), (inputs) => {
        const rates = LIST.models.get('gpt-4o-mini');
        if (rates === undefined) throw new Error('no price');
        const cost = (inputTokens: number): number =>
          costMicros(rates, { inputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 });
        const apart = inputs.reduce((sum, input) => sum + cost(input), 0);
        const together = cost(inputs.reduce((sum, input) => sum + input, 0));
        expect(apart).toBeGreaterThanOrEqual(together);
        expect(apart).toBeLessThanOrEqual(together + inputs.length);
      }),
    );
  });
});
