// Which of the tokens that a provider reports count against token limits.

import type { Usage } from '../usage.ts';

/**
 * What a call costs in the token units: `input` for InputTokens, `output` for OutputTokens, `total` for TotalTokens
 * (always their sum). Uncached input and cache writes weigh 1, cache reads 0, as in the input limits of the providers
 * that publish theirs; output includes reasoning. In dollars cache reads do count: see `costMicros`.
 */
export function countedTokens(usage: Usage): { input: number; output: number; total: number } {
  const input = usage.inputTokens + usage.cacheWriteTokens;
  return { input, output: usage.outputTokens, total: input + usage.outputTokens };
}

/** All input tokens of a call, cached or not: what the features of its body describe. */
export function wholeInputTokens(usage: Usage): number {
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
}
