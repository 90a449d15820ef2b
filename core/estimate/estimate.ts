// The estimated cost of one call before it runs, in the three strengths that limits ask for.

/**
 * Token amounts of one LLM call. `learned` is the p90 guess that `reserve: Learned` charges, `strict` the p99 guess
 * with the full output cap that `reserve: Strict` charges, `known` what the call certainly costs at least
 * (a lower bound of the input), so that only it can make a call too large. All whole numbers, `known <= strict`.
 */
export type TokenEstimate = {
  readonly learned: { readonly input: number; readonly output: number };
  readonly strict: { readonly input: number; readonly output: number };
  readonly known: { readonly input: number; readonly output: number };
  /**
   * True when the caller capped its output: then `strict.output` is what it asked for, and may make the call too large.
   * Otherwise it is the model's maximum or a guess, which is clamped to the bucket.
   */
  readonly outputBounded: boolean;
};

/** Output that a Strict limit knows the call to cost: the whole cap where the caller set one, which may be too large. */
export function knownStrictOutput({ strict, known, outputBounded }: TokenEstimate): number {
  return outputBounded ? strict.output : known.output;
}
