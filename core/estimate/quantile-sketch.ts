// Quantiles of a stream in fixed memory: a histogram on a log scale that forgets.

/** What a sketch can tell apart, and how long it remembers. */
export type SketchShape = {
  /** The smallest value; anything below counts as it. Above 0. */
  readonly lowest: number;
  /** Powers of two above `lowest`; anything beyond counts as the largest value, `lowest * 2^octaves`. */
  readonly octaves: number;
  /** Buckets of one octave: the relative error of a quantile is at most 2^(1/bucketsPerOctave) - 1. */
  readonly bucketsPerOctave: number;
  /** Observations after which the weight of an old one has fallen to 1/e. */
  readonly memory: number;
};

/** Above this the weights are scaled back, far from where doubles lose whole numbers. */
const RESCALE_AT = 1e12;

/**
 * A weighted histogram over [lowest, lowest * 2^octaves] with exponential forgetting. Adding is O(1): instead of
 * shrinking every bucket, each new observation weighs more than the one before (forward decay, Cormode et al. 2009).
 * Whatever is added, a quantile stays within those bounds.
 */
export class QuantileSketch {
  readonly #shape: SketchShape;
  readonly #weights: Float64Array;
  #total = 0;
  /** The weight of one observation made now. */
  #unit = 1;

  constructor(shape: SketchShape) {
    this.#shape = shape;
    this.#weights = new Float64Array(shape.octaves * shape.bucketsPerOctave + 1);
  }

  /** Adds an observation that counts as `weight` observations, a share of one included. Neither is NaN. */
  add(value: number, weight: number): void {
    const bucket = this.#bucketOf(value);
    const amount = weight * this.#unit;
    this.#weights[bucket] = (this.#weights[bucket] ?? 0) + amount;
    this.#total += amount;
    this.#unit *= 1 + weight / this.#shape.memory;
    if (this.#unit > RESCALE_AT) this.#rescale();
  }

  /** A value that at least `share` of the weight does not exceed; the upper edge of its bucket, `lowest` when empty. */
  quantile(share: number): number {
    const wanted = share * this.#total;
    let passed = 0;
    let bucket = 0;
    for (; bucket < this.#weights.length - 1; bucket++) {
      passed += this.#weights[bucket] ?? 0;
      if (passed >= wanted) break;
    }
    return this.#shape.lowest * 2 ** (bucket / this.#shape.bucketsPerOctave);
  }

  #bucketOf(value: number): number {
    const position = Math.ceil(Math.log2(value / this.#shape.lowest) * this.#shape.bucketsPerOctave);
    return Math.min(this.#weights.length - 1, Math.max(0, position));
  }

  #rescale(): void {
    for (let bucket = 0; bucket < this.#weights.length; bucket++) {
      this.#weights[bucket] = (this.#weights[bucket] ?? 0) / this.#unit;
    }
    this.#total /= this.#unit;
    this.#unit = 1;
  }
}
