// The mock's own small price list. It is written down apart from any other, so that a comparison of dollars means something.

import type { Tokens } from './reply.ts';

/** Prices of the models whose name begins with `model`, in micro-dollars per million tokens (1,000,000 = 1 dollar). */
export type Price = {
  readonly model: string;
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
};

/** Public list prices, standard tier, of the models that the examples use. The longest matching name decides. */
export const PRICES: readonly Price[] = [
  { model: 'gpt-5', input: 1_250_000, cacheRead: 125_000, cacheWrite: 1_250_000, output: 10_000_000 },
  { model: 'gpt-5-mini', input: 250_000, cacheRead: 25_000, cacheWrite: 250_000, output: 2_000_000 },
  { model: 'text-embedding-3-small', input: 20_000, cacheRead: 20_000, cacheWrite: 20_000, output: 0 },
  {
    model: 'claude-haiku-4-5',
    input: 1_000_000,
    cacheRead: 100_000,
    cacheWrite: 1_250_000,
    output: 5_000_000,
  },
  {
    model: 'claude-sonnet-4-5',
    input: 3_000_000,
    cacheRead: 300_000,
    cacheWrite: 3_750_000,
    output: 15_000_000,
  },
];

/** Micro-dollars to the millionth part, hence pico-dollars: exact, so that sums do not depend on how a call is cut up. */
export function toCostPicos(prices: readonly Price[], model: string, tokens: Tokens): number {
  const price = findPrice(prices, model);
  if (price === undefined) return 0;
  return (
    tokens.input * price.input +
    tokens.cacheRead * price.cacheRead +
    tokens.cacheWrite * price.cacheWrite +
    tokens.output * price.output
  );
}

function findPrice(prices: readonly Price[], model: string): Price | undefined {
  return prices
    .filter((price) => model.startsWith(price.model))
    .reduce<Price | undefined>(
      (best, price) => (best === undefined || price.model.length > best.model.length ? price : best),
      undefined,
    );
}
