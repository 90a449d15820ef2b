// The cost of one call in every unit, in the four strengths that a limit may ask for.

import type { TokenEstimate } from './estimate/estimate.ts';
import { UNIT_INDEX, UNITS } from './unit.ts';

/**
 * Four cost vectors in one array. A limit reads its unit from the block of its `reserve`:
 * LEARNED and STRICT are what is charged; the KNOWN blocks are what the call certainly costs at least, so that only
 * they can make a call too large for a bucket.
 */
export type CallCost = Float64Array;

export const LEARNED = 0;
export const STRICT = UNITS.length;
export const KNOWN_LEARNED = 2 * UNITS.length;
export const KNOWN_STRICT = 3 * UNITS.length;

/** Micro-dollars of an estimate, by strength. */
export type SpendEstimate = {
  readonly learned: number;
  readonly strict: number;
  readonly knownLearned: number;
  readonly knownStrict: number;
};

/** The cost of a call that is only counted: one request, one slot, no tokens. */
export function createRequestCost(): CallCost {
  const cost = new Float64Array(4 * UNITS.length);
  for (const block of [LEARNED, STRICT, KNOWN_LEARNED, KNOWN_STRICT]) {
    cost[block + UNIT_INDEX.Requests] = 1;
    cost[block + UNIT_INDEX.Concurrency] = 1;
  }
  return cost;
}

/** The cost of a model call. `spend` is undefined where the model has no price. */
export function createModelCost(estimate: TokenEstimate, spend: SpendEstimate | undefined): CallCost {
  const cost = createRequestCost();
  writeTokens(cost, LEARNED, estimate.learned.input, estimate.learned.output);
  writeTokens(cost, STRICT, estimate.strict.input, estimate.strict.output);
  writeTokens(cost, KNOWN_LEARNED, estimate.known.input, estimate.known.output);
  // Strict charges the whole output cap, so a cap that is a fact makes the whole of it known.
  const knownOutput = estimate.outputBounded ? estimate.strict.output : estimate.known.output;
  writeTokens(cost, KNOWN_STRICT, estimate.known.input, knownOutput);
  if (spend !== undefined) {
    cost[LEARNED + UNIT_INDEX.USD] = spend.learned;
    cost[STRICT + UNIT_INDEX.USD] = spend.strict;
    cost[KNOWN_LEARNED + UNIT_INDEX.USD] = spend.knownLearned;
    cost[KNOWN_STRICT + UNIT_INDEX.USD] = spend.knownStrict;
  }
  return cost;
}

function writeTokens(cost: CallCost, block: number, input: number, output: number): void {
  cost[block + UNIT_INDEX.InputTokens] = input;
  cost[block + UNIT_INDEX.OutputTokens] = output;
  cost[block + UNIT_INDEX.TotalTokens] = input + output;
}
