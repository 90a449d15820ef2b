// How many tokens one byte, message or tool costs in one model family: weights that learn from settled calls.
//
// The prediction is a sum, sum(weight * feature). After a call the logarithm of actual / predicted is divided among
// the weights by their share of the prediction and by how unsure each still is: a Kalman filter on log weights with a
// diagonal covariance. Weights therefore stay positive, move by factors, and settle at their own pace: prose is not
// disturbed by a hundred calls of JSON.
//
// Why this one: median error on the recorded corpus after 50 calls of each class (JSON, mean and worst of five
// tokenizers, 20 orders): one factor for everything 13 / 26 %, normalised LMS 12 / 24 %, recursive least squares
// 11 / 23 %, this 7 / 11 %, a full covariance matrix 7 / 14 % at ten times the cost.

import type { InputFeatures } from './features.ts';

/** What the ratio of actual to predicted is learned for apart: the classes of text, and everything else. */
export const GROUPS = ['prose', 'code', 'nonAscii', 'overhead'] as const;
export type Group = (typeof GROUPS)[number];

/** One weight: tokens per unit of its feature. */
export type WeightRule = {
  readonly feature:
    | 'proseBytes'
    | 'codeBytes'
    | 'digitBytes'
    | 'nonAsciiBytes'
    | 'call'
    | 'messages'
    | 'media'
    | 'tools';
  readonly group: Group;
  /** Before anything was learned. */
  readonly prior: number;
  /** Whatever upstreams report, the weight stays within [least, most]. */
  readonly least: number;
  readonly most: number;
};

/**
 * The features of a call and the bounds of their weights. A byte of text costs 1/16 to 1 token (a tokenizer on bytes
 * cannot make more; real ones stay near 1/5 to 1/2). `digitBytes` is what a digit costs beyond its class. `call` is
 * what each call costs however short it is, hidden system prompts included.
 */
export const WEIGHT_RULES: readonly WeightRule[] = [
  { feature: 'proseBytes', group: 'prose', prior: 0.22, least: 1 / 16, most: 1 },
  { feature: 'codeBytes', group: 'code', prior: 0.25, least: 1 / 16, most: 1 },
  { feature: 'digitBytes', group: 'code', prior: 0.4, least: 1 / 100, most: 1 },
  { feature: 'nonAsciiBytes', group: 'nonAscii', prior: 0.3, least: 1 / 16, most: 1 },
  { feature: 'call', group: 'overhead', prior: 3, least: 1, most: 4_096 },
  { feature: 'messages', group: 'overhead', prior: 4, least: 1, most: 64 },
  { feature: 'media', group: 'overhead', prior: 1_000, least: 16, most: 65_536 },
  { feature: 'tools', group: 'overhead', prior: 12, least: 1, most: 1_024 },
];

/** The features of one call in the order of WEIGHT_RULES. */
export type FeatureVector = Float64Array;

/** A vector for `readFeatures`. */
export function createFeatureVector(): FeatureVector {
  return new Float64Array(WEIGHT_RULES.length);
}

/** Writes features into `vector`. A body that was not scanned (undefined) counts as code throughout. */
export function readFeatures(
  features: InputFeatures | undefined,
  bodyBytes: number,
  vector: FeatureVector,
): void {
  vector[0] = features?.proseBytes ?? 0;
  vector[1] = features?.codeBytes ?? bodyBytes;
  vector[2] = features?.digitBytes ?? 0;
  vector[3] = features?.nonAsciiBytes ?? 0;
  vector[4] = 1;
  vector[5] = features?.messages ?? 1;
  vector[6] = features?.media ?? 0;
  vector[7] = features?.tools ?? 0;
}

/** Variance of a log weight before it was learned, and at most later: a factor of 1.9 either way is no surprise. */
const PRIOR_VARIANCE = 0.4;
/** Variance of log(actual / predicted) between calls when all weights are right. */
const CALL_VARIANCE = 0.03;
/** Variance added by a call: a weight forgets what it learned about ten to fifteen calls of its class ago. */
const DRIFT_VARIANCE = 0.0003;
/** One call is believed to be off by a factor of two at most, so that a false or foreign count moves little. */
const MOST_LOG_ERROR = Math.LN2;

/** The weights of one model family. */
export class TokenWeights {
  readonly values = Float64Array.from(WEIGHT_RULES, ({ prior }) => prior);
  readonly #variances = new Float64Array(WEIGHT_RULES.length).fill(PRIOR_VARIANCE);

  /** Learns from a call with these features that cost `actual` tokens (at least 1). */
  learn(vector: FeatureVector, actual: number): void {
    const predicted = dot(this.values, vector);
    const logError = Math.min(MOST_LOG_ERROR, Math.max(-MOST_LOG_ERROR, Math.log(actual / predicted)));
    let surprise = CALL_VARIANCE;
    for (let i = 0; i < this.values.length; i++) {
      const share = (at(this.values, i) * at(vector, i)) / predicted;
      const variance = Math.min(PRIOR_VARIANCE, at(this.#variances, i) + DRIFT_VARIANCE * share);
      this.#variances[i] = variance;
      surprise += share * share * variance;
    }
    for (let i = 0; i < this.values.length; i++) {
      const share = (at(this.values, i) * at(vector, i)) / predicted;
      // What the call does not have teaches nothing.
      if (share === 0) continue;
      const { least, most } = WEIGHT_RULES[i] as WeightRule; // One rule per weight.
      const gain = (at(this.#variances, i) * share) / surprise;
      this.values[i] = Math.min(most, Math.max(least, at(this.values, i) * Math.exp(gain * logError)));
      this.#variances[i] = at(this.#variances, i) * (1 - gain * share);
    }
  }
}

/** Tokens that these weights give these features. */
export function dot(weights: Float64Array, vector: FeatureVector): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += at(weights, i) * at(vector, i);
  return sum;
}

/** Element of an array that has one per rule. */
function at(array: Float64Array, index: number): number {
  return array[index] ?? 0;
}
