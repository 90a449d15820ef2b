// The cost of one call in every unit, in the four strengths that a limit may ask for.

import { knownStrictOutput, type TokenEstimate } from './estimate/estimate.ts';
import { UNIT_INDEX, UNITS } from './unit.ts';

/**
 * Four cost vectors in one array. A limit reads its unit from the block of its `reserve`:
 * LEARNED and STRICT are what is charged; the KNOWN blocks are what the call certainly costs at least, so that only
 * they can make a call too large for a bucket.
 */
export type CallCost = ArrayLike<number>;

export const LEARNED = 0;
export const STRICT = UNITS.length;
export const KNOWN_LEARNED = 2 * UNITS.length;
export const KNOWN_STRICT = 3 * UNITS.length;

/** What can be said about a call's cost. */
export type Metering =
  /** Every unit is known: a parsed model call, or a call that costs no tokens and no dollars. */
  | 'complete'
  /** A model call whose model has no price: dollars are unknown. */
  | 'without-price'
  /** A paid route that we cannot read: tokens and dollars are unknown. */
  | 'unreadable';

/** The largest amount of one call. Sums of several stay exact in a double (2^53 is about 9e15). */
const MAX_AMOUNT = 1e15;

/**
 * A number from outside as an amount: whole (rounded up) and at most 1e15. What is below 0 or not a number is
 * `otherwise`.
 */
export function toAmount(value: number, otherwise: number): number {
  return value >= 0 ? Math.min(Math.ceil(value), MAX_AMOUNT) : otherwise;
}

/** Micro-dollars of an estimate, by strength. */
export type SpendEstimate = {
  readonly learned: number;
  readonly strict: number;
  readonly knownLearned: number;
  readonly knownStrict: number;
};

const REQUEST_COST: readonly number[] = Array.from({ length: 4 * UNITS.length }, (_, at) => {
  const unit = at % UNITS.length;
  return unit === UNIT_INDEX.Requests || unit === UNIT_INDEX.Concurrency ? 1 : 0;
});

/** The cost of a call that is only counted: one request, one slot, no tokens. */
export function createRequestCost(): CallCost {
  return REQUEST_COST;
}

/** The cost of a model call. `spend` is undefined where the model has no price. */
export function createModelCost(estimate: TokenEstimate, spend: SpendEstimate | undefined): CallCost {
  // A plain array: a typed one of this size lives outside the heap, and one per call is what the collector feels.
  const cost = [...REQUEST_COST];
  writeTokens(cost, LEARNED, estimate.learned.input, estimate.learned.output);
  writeTokens(cost, STRICT, estimate.strict.input, estimate.strict.output);
  writeTokens(cost, KNOWN_LEARNED, estimate.known.input, estimate.known.output);
  writeTokens(cost, KNOWN_STRICT, estimate.known.input, knownStrictOutput(estimate));
  if (spend !== undefined) {
    cost[LEARNED + UNIT_INDEX.USD] = toAmount(spend.learned, 0);
    cost[STRICT + UNIT_INDEX.USD] = toAmount(spend.strict, 0);
    cost[KNOWN_LEARNED + UNIT_INDEX.USD] = toAmount(spend.knownLearned, 0);
    cost[KNOWN_STRICT + UNIT_INDEX.USD] = toAmount(spend.knownStrict, 0);
  }
  return cost;
}

function writeTokens(cost: number[], block: number, input: number, output: number): void {
  cost[block + UNIT_INDEX.InputTokens] = toAmount(input, 0);
  cost[block + UNIT_INDEX.OutputTokens] = toAmount(output, 0);
  cost[block + UNIT_INDEX.TotalTokens] = toAmount(input + output, 0);
}
