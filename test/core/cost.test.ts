import { describe, expect, it } from 'vitest';
import {
  type CallCost,
  createModelCost,
  createRequestCost,
  KNOWN_LEARNED,
  KNOWN_STRICT,
  LEARNED,
  STRICT,
  toAmount,
} from '../../core/cost.ts';
import type { TokenEstimate } from '../../core/estimate/estimate.ts';
import { UNIT_INDEX, UNITS, type Unit } from '../../core/unit.ts';

const BLOCKS = { LEARNED, STRICT, KNOWN_LEARNED, KNOWN_STRICT };

/** The units of a block that are not 0. */
function blockOf(cost: CallCost, block: number): Partial<Record<Unit, number>> {
  return Object.fromEntries(
    UNITS.flatMap((unit) => {
      const amount = cost[block + UNIT_INDEX[unit]] ?? Number.NaN;
      return amount === 0 ? [] : [[unit, amount]];
    }),
  );
}

const ESTIMATE: TokenEstimate = {
  learned: { input: 100, output: 200 },
  strict: { input: 150, output: 4_000 },
  known: { input: 80, output: 0 },
  outputBounded: false,
};

describe('the cost of a call', () => {
  it('that is only counted is one request and one slot in every strength', () => {
    for (const block of Object.values(BLOCKS)) {
      expect(blockOf(createRequestCost(), block)).toEqual({ Requests: 1, Concurrency: 1 });
    }
  });

  it('of a model has the tokens of each strength, and dollars where there is a price', () => {
    const cost = createModelCost(ESTIMATE, { learned: 1, strict: 2, knownLearned: 3, knownStrict: 4 });
    const counted = { Requests: 1, Concurrency: 1 };
    expect(blockOf(cost, LEARNED)).toEqual({
      ...counted,
      InputTokens: 100,
      OutputTokens: 200,
      TotalTokens: 300,
      USD: 1,
    });
    expect(blockOf(cost, STRICT)).toEqual({
      ...counted,
      InputTokens: 150,
      OutputTokens: 4_000,
      TotalTokens: 4_150,
      USD: 2,
    });
    expect(blockOf(cost, KNOWN_LEARNED)).toEqual({ ...counted, InputTokens: 80, TotalTokens: 80, USD: 3 });
    expect(blockOf(cost, KNOWN_STRICT)).toEqual({ ...counted, InputTokens: 80, TotalTokens: 80, USD: 4 });
    expect(blockOf(createModelCost(ESTIMATE, undefined), STRICT).USD).toBeUndefined();
  });

  it('knows the whole output cap under Strict exactly when the cap is a fact', () => {
    const cost = createModelCost({ ...ESTIMATE, outputBounded: true }, undefined);
    expect(blockOf(cost, KNOWN_STRICT)).toMatchObject({ OutputTokens: 4_000, TotalTokens: 4_080 });
    expect(blockOf(cost, KNOWN_LEARNED).OutputTokens).toBeUndefined();
  });

  it('is whole and bounded whatever the caller wrote', () => {
    const strict = { input: 10.2, output: Number.POSITIVE_INFINITY };
    const cost = createModelCost({ ...ESTIMATE, strict, outputBounded: true }, undefined);
    expect(blockOf(cost, STRICT)).toMatchObject({ InputTokens: 11, OutputTokens: 1e15, TotalTokens: 1e15 });
  });

  it.each([
    [3, 3],
    [2.1, 3],
    [0, 0],
    [-1, 7],
    [Number.NaN, 7],
    [Number.POSITIVE_INFINITY, 1e15],
  ])('takes a reported %s as %s', (value, amount) => {
    expect(toAmount(value, 7)).toBe(amount);
  });
});
