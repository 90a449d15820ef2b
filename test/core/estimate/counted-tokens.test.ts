import { expect, test } from 'vitest';
import { countedTokens, wholeInputTokens } from '../../../core/estimate/counted-tokens.ts';

const USAGE = { inputTokens: 10, cacheReadTokens: 1_000, cacheWriteTokens: 200, outputTokens: 7 };

test('cache writes count as input, cache reads do not, and the total is the sum of what counts', () => {
  expect(countedTokens(USAGE)).toEqual({ input: 210, output: 7, total: 217 });
});

test('the whole input has every kind of input', () => {
  expect(wholeInputTokens(USAGE)).toBe(1_210);
});

test('explicit zeros count as zeros', () => {
  const zero = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
  expect(countedTokens(zero)).toEqual({ input: 0, output: 0, total: 0 });
});
