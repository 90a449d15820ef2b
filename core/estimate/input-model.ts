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
  /** Quantiles of the ratios, by group. */
  readonly #p90Ratios = Float64Array.from(this.#ratios, (ratios) => ratios.quantile(0.9));
  readonly #p99Ratios = Float64Array.from(this.#ratios, (ratios) => ratios.quantile(0.99));
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
    const expected = this.expected(vector);
    for (let group = 0; group < GROUPS.length; group++) {
      this.#learnRatio(group, actual / expected, this.#expectedOf(group, vector) / expected);
    }
    this.#weights.learn(vector, actual);
    this.#applyRatios();
  }

  #expectedOf(group: number, vector: FeatureVector): number {
    let sum = 0;
    for (let i = 0; i < vector.length; i++) {
      if (GROUP_OF[i] === group) sum += (this.#weights.values[i] ?? 0) * (vector[i] ?? 0);
    }
    return sum;
  }

  /** The ratio of a call counts for a group by the group's share in what was expected. */
  #learnRatio(group: number, ratio: number, share: number): void {
    const ratios = this.#ratios[group];
    if (share === 0 || ratios === undefined) return;
    ratios.add(ratio, share);
    this.#p90Ratios[group] = ratios.quantile(0.9);
    this.#p99Ratios[group] = ratios.quantile(0.99);
  }

  #applyRatios(): void {
    for (let i = 0; i < this.#p90.length; i++) {
      const weight = this.#weights.values[i] ?? 0;
      const group = GROUP_OF[i] ?? 0;
      this.#p90[i] = weight * (this.#p90Ratios[group] ?? 1);
      this.#p99[i] = weight * (this.#p99Ratios[group] ?? 1);
    }
  }
}

function createRatioSketch(): QuantileSketch {
  const ratios = new QuantileSketch(RATIO_SHAPE);
  for (const [ratio, calls] of PRIOR_RATIOS) ratios.add(ratio, calls);
  return ratios;
}
