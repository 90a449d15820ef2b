// The meter for model calls: the estimator before, the provider's report after, prices for both.

import { createModelCost } from '../core/cost.ts';
import { countedTokens } from '../core/estimate/counted-tokens.ts';
import type { TokenEstimate } from '../core/estimate/estimate.ts';
import type { EstimateInput, Estimator } from '../core/estimate/estimator.ts';
import type { InputFeatures } from '../core/estimate/features.ts';
import { seenOutputTokens } from '../core/estimate/seen-output.ts';
import { costMicros, type Price, type PriceTable, priceOf } from '../core/price/price-table.ts';
import { spendOf } from '../core/price/spend.ts';
import type { Usage } from '../core/usage.ts';
import type { EstimateError, Meter, MeteredCall, MeteredUse } from './meter.ts';
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
    reported: (usage) => {
      const ratio = estimator.learn(input, usage);
      return {
        use: toUse(usage),
        error: ratio === undefined ? undefined : toError(facts, ratio, estimate, usage),
      };
    },
    guessed: (outputBytes, cut) =>
      toUse({
        inputTokens: cut?.inputTokens ?? estimate.strict.input,
        cacheReadTokens: cut?.cacheReadTokens ?? 0,
        cacheWriteTokens: cut?.cacheWriteTokens ?? 0,
        outputTokens: Math.max(
          cut?.outputTokens ?? 0,
          seenOutputTokens(outputBytes),
          facts.stream ? 0 : estimate.learned.output,
        ),
      }),
  };
}

function toError(
  { features }: RequestFacts,
  inputRatio: number,
  { learned }: TokenEstimate,
  { outputTokens }: Usage,
): EstimateError {
  return {
    text: mostOf(features),
    input: Math.abs(inputRatio - 1),
    output: outputTokens === 0 ? undefined : Math.abs(learned.output - outputTokens) / outputTokens,
  };
}

function mostOf({ proseBytes, codeBytes, nonAsciiBytes }: InputFeatures): EstimateError['text'] {
  if (nonAsciiBytes > proseBytes && nonAsciiBytes > codeBytes) return 'non_ascii';
  return codeBytes > proseBytes ? 'code' : 'prose';
}
