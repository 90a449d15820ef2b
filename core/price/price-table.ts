// What tokens cost: a table of prices by model, and the exact cost of a call in whole micro-dollars.
//
// Prices are decimal strings in USD per million tokens, which is the same number as micro-dollars per token. They are
// kept as whole micro-dollars per million tokens, so that a cost is a whole number divided once, at the end.

import type { Usage } from '../usage.ts';

/** The price of one model. Whole micro-dollars per million tokens. */
export type Price = {
  readonly inputMicrosPerMTok: number;
  readonly cachedInputMicrosPerMTok: number;
  readonly cacheWriteMicrosPerMTok: number;
  readonly outputMicrosPerMTok: number;
  /** The most that one answer can have; undefined when not stated. */
  readonly maxOutputTokens: number | undefined;
};

/** Prices by model name. Made by `parsePriceTable`. */
export type PriceTable = {
  /** The day on which the prices were true, YYYY-MM-DD. */
  readonly date: string;
  readonly models: ReadonlyMap<string, Price>;
  /** The names that ended in `*`, without it, the longest first. */
  readonly prefixes: readonly (readonly [prefix: string, price: Price])[];
};

/** What providers append to a name for the same model at the same price: a date, or `latest`. */
const DATED = /[-@](?:latest|\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$/;

/**
 * The price of a model as callers write it: its own entry, else the entry of the name without date
 * (`gpt-4o-2024-11-20` -> `gpt-4o`), else the longest entry ending in `*` that the name begins with.
 * Undefined for any other model: a price is never guessed from a similar name, since variants are priced apart.
 */
export function priceOf(table: PriceTable, model: string): Price | undefined {
  const exact = table.models.get(model) ?? table.models.get(model.replace(DATED, ''));
  if (exact !== undefined) return exact;
  return table.prefixes.find(([prefix]) => model.startsWith(prefix))?.[1];
}

const TOKENS_PER_MTOK = 1_000_000;

/**
 * The exact cost of a call in micro-dollars, rounded up once. Whole and at least 0; at most Number.MAX_SAFE_INTEGER,
 * where absurd counts end. The provider's surcharges for long contexts, tiers and one-hour caches are not in `Usage`
 * and so not in the cost.
 */
export function costMicros(price: Price, usage: Usage): number {
  const sum =
    usage.inputTokens * price.inputMicrosPerMTok +
    usage.cacheReadTokens * price.cachedInputMicrosPerMTok +
    usage.cacheWriteTokens * price.cacheWriteMicrosPerMTok +
    usage.outputTokens * price.outputMicrosPerMTok;
  if (sum > Number.MAX_SAFE_INTEGER) return exactCostMicros(price, usage);
  const rest = sum % TOKENS_PER_MTOK;
  return (sum - rest) / TOKENS_PER_MTOK + (rest > 0 ? 1 : 0);
}

/** The same beyond the whole numbers that a double holds: 9e9 tokens at a dollar per million. */
function exactCostMicros(price: Price, usage: Usage): number {
  const scale = BigInt(TOKENS_PER_MTOK);
  const sum =
    BigInt(usage.inputTokens) * BigInt(price.inputMicrosPerMTok) +
    BigInt(usage.cacheReadTokens) * BigInt(price.cachedInputMicrosPerMTok) +
    BigInt(usage.cacheWriteTokens) * BigInt(price.cacheWriteMicrosPerMTok) +
    BigInt(usage.outputTokens) * BigInt(price.outputMicrosPerMTok);
  const micros = (sum + scale - 1n) / scale;
  return micros > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(micros);
}
