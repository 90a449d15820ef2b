// The input tokens of one model family: the expected number, and what is exceeded once in ten and once in a hundred.

import { QuantileSketch } from './quantile-sketch.ts';
import { dot, type FeatureVector, GROUPS, TokenWeights, WEIGHT_RULES } from './token-weights.ts';

/**
 * How far actual may stand from predicted, learned for each group apart: one common ratio covers 77 % of CJK calls at
 * its p90 when prose and JSON share the family, four cover 90 %. Bounded to [1/4, 4], in steps of 3 %.
 */
const RATIO_SHAPE = { lowest: 1 / 4, octaves: 4, bucketsPerOctave: 24, memory: 200 };

/** What is believed of a ratio before calls are seen: as if these calls had been. */
const PRIOR_RATIOS: readonly (readonly [ratio: number, calls: number])[] = [
  [1, 3],
  [1.35, 1],
  [2, 0.4],
];

/** No estimate is more than this times the expected number. */
export const MOST_RATIO = RATIO_SHAPE.lowest * 2 ** RATIO_SHAPE.octaves;

const GROUP_OF: readonly number[] = WEIGHT_RULES.map(({ group }) => GROUPS.indexOf(group));

/**
 * Learns tokens per feature and the spread of its own error. Each group of features carries its own p90 and p99 factor,
 * so every estimate is a sum with positive weights: more text never means a smaller estimate.
 */
export class InputModel {
  readonly #weights = new TokenWeights();
  readonly #ratios = GROUPS.map(() => createRatioSketch());
  readonly #p90 = new Float64Array(WEIGHT_RULES.length);
  readonly #p99 = new Float64Array(WEIGHT_RULES.length);

  constructor() {
    this.#applyRatios();
  }

  /** The expected tokens, not rounded; at least 1. */
  expected(vector: FeatureVector): number {
    return dot(this.#weights.values, vector);
  }

  /** Exceeded by about one call in ten; not rounded. At least 1/4 and at most 4 times `expected`. */
  p90(vector: FeatureVector): number {
    return dot(this.#p90, vector);
  }

  /** Exceeded by about one call in a hundred; not rounded. At least `p90`. */
  p99(vector: FeatureVector): number {
    return dot(this.#p99, vector);
  }

  /** Learns from a call that cost `actual` input tokens, at least 1. */
  learn(vector: FeatureVector, actual: number): void {
    const values = this.#weights.values;
    const expected = this.expected(vector);
    const shares = new Float64Array(GROUPS.length);
    for (const [i, group] of GROUP_OF.entries()) {
      shares[group] = (shares[group] ?? 0) + ((values[i] ?? 0) * (vector[i] ?? 0)) / expected;
    }
    for (const [group, ratios] of this.#ratios.entries()) ratios.add(actual / expected, shares[group] ?? 0);
    this.#weights.learn(vector, actual);
    this.#applyRatios();
  }

  #applyRatios(): void {
    const p90 = this.#ratios.map((ratios) => ratios.quantile(0.9));
    const p99 = this.#ratios.map((ratios) => ratios.quantile(0.99));
    for (const [i, group] of GROUP_OF.entries()) {
      const weight = this.#weights.values[i] ?? 0;
      this.#p90[i] = weight * (p90[group] ?? 1);
      this.#p99[i] = weight * (p99[group] ?? 1);
    }
  }
}

function createRatioSketch(): QuantileSketch {
  const ratios = new QuantileSketch(RATIO_SHAPE);
  for (const [ratio, calls] of PRIOR_RATIOS) ratios.add(ratio, calls);
  return ratios;
}
