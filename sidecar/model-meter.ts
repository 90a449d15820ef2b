// The meter for model calls: the estimator before, the provider's report after, prices for both.

import { createModelCost } from '../core/cost.ts';
import { countedTokens } from '../core/estimate/counted-tokens.ts';
import type { EstimateInput, Estimator } from '../core/estimate/estimator.ts';
import { seenOutputTokens } from '../core/estimate/seen-output.ts';
import { costMicros, type Price, type PriceTable, priceOf } from '../core/price/price-table.ts';
import { spendOf } from '../core/price/spend.ts';
import type { Usage } from '../core/usage.ts';
import type { Meter, MeteredCall, MeteredUse } from './meter.ts';
import type { RequestFacts } from './protocol/protocol.ts';

/** Model names whose price is remembered. */
const MAX_REMEMBERED = 1_000;

/** A meter that learns in `estimator` and reads prices from `prices`. */
export function createModelMeter(estimator: Estimator, prices: PriceTable): Meter {
  const known = new Map<string, Price | undefined>();
  const priceFor = (model: string): Price | undefined => {
    if (known.has(model)) return known.get(model);
    const price = priceOf(prices, model);
    // Callers write model names: what is remembered is bounded.
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(model, price);
    return price;
  };
  return { open: (facts, agent) => openCall(estimator, priceFor(facts.model), facts, agent) };
}

function openCall(
  estimator: Estimator,
  price: Price | undefined,
  facts: RequestFacts,
  agent: string,
): MeteredCall {
  const input: EstimateInput = {
    agent,
    model: facts.model,
    features: facts.features,
    bodyBytes: facts.body.length,
    maxOutputTokens: facts.maxOutputTokens,
    modelMaxOutputTokens: price?.maxOutputTokens,
  };
  const estimate = estimator.estimate(input);
  const toUse = (usage: Usage): MeteredUse => ({
    usage,
    tokens: countedTokens(usage),
    spendMicros: price && costMicros(price, usage),
  });
  return {
    cost: createModelCost(estimate, price && spendOf(price, estimate)),
    metering: price === undefined ? 'without-price' : 'complete',
    reported: (usage) => ({ ...toUse(usage), estimateRatio: estimator.learn(input, usage) }),
    guessed: (outputBytes) =>
      toUse({
        inputTokens: estimate.learned.input,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: seenOutputTokens(outputBytes),
      }),
  };
}
