// The dollars of a call before it runs, from its token estimate.

import type { SpendEstimate } from '../cost.ts';
import { knownStrictOutput, type TokenEstimate } from '../estimate/estimate.ts';
import { costMicros, type Price } from './price-table.ts';

/**
 * Micro-dollars of an estimate. `learned` takes input at its plain price. `strict` takes every input token at the
 * dearest of the input prices, since any of them may turn out to be written to a cache. The known ones take them at the
 * cheapest, since any may turn out to be read from one; `knownStrict` has the whole output cap where it is a fact.
 */
export function spendOf(price: Price, estimate: TokenEstimate): SpendEstimate {
  const { learned, strict, known } = estimate;
  const plain = price.inputMicrosPerMTok;
  const dearest = Math.max(plain, price.cacheWriteMicrosPerMTok);
  const cheapest = Math.min(plain, price.cachedInputMicrosPerMTok);
  return {
    learned: costOf(price, plain, learned),
    strict: costOf(price, dearest, strict),
    knownLearned: costOf(price, cheapest, known),
    knownStrict: costOf(price, cheapest, { input: known.input, output: knownStrictOutput(estimate) }),
  };
}

function costOf(price: Price, inputMicrosPerMTok: number, tokens: TokenEstimate['learned']): number {
  return costMicros(
    {
      inputMicrosPerMTok,
      cachedInputMicrosPerMTok: 0,
      cacheWriteMicrosPerMTok: 0,
      outputMicrosPerMTok: price.outputMicrosPerMTok,
      maxOutputTokens: undefined,
    },
    { inputTokens: tokens.input, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: tokens.output },
  );
}
