// What a finished model call really used, as the provider reported it.

/** Token counts of one call. Explicit zeros are zeros; a missing usage is `undefined`, not this. */
export type Usage = {
  /** Input tokens that were not read from a cache (cache writes excluded too). */
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Output tokens, reasoning included. */
  readonly outputTokens: number;
};
