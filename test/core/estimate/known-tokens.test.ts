import { describe, expect, test } from 'vitest';
import { Estimator } from '../../../core/estimate/estimator.ts';
import { leastInputTokens, mostBytesPerToken } from '../../../core/estimate/known-tokens.ts';
import { modelFamily } from '../../../core/estimate/model-family.ts';
import { CORPUS, MODEL_OF, toCall, tokensOf, toUsage } from './recorded-corpus.ts';

describe.each(CORPUS.tokenizers)('the known input of a call counted by %s', (tokenizer) => {
  const model = MODEL_OF[tokenizer] ?? '';

  test('is never above the actual input of a recorded request', () => {
    const estimator = new Estimator();
    for (const sample of CORPUS.samples) {
      const call = toCall(sample.features, model);
      const known = estimator.estimate(call).known.input;
      expect(known).toBeGreaterThanOrEqual(1);
      expect(known).toBeLessThanOrEqual(tokensOf(sample, tokenizer));
      estimator.learn(call, toUsage(tokensOf(sample, tokenizer)));
    }
  });

  test('is not above it either for long runs of the same characters', () => {
    for (const run of CORPUS.runs) {
      const known = new Estimator().estimate(toCall(run.features, model)).known.input;
      expect(known, `${run.times} x ${JSON.stringify(run.unit)}`).toBeLessThanOrEqual(
        tokensOf(run, tokenizer),
      );
    }
  });
});

test('the bound is as tight as the longest token allows: half the bytes a token would be false', () => {
  const tooHigh = CORPUS.tokenizers.filter((tokenizer) => {
    const bytesPerToken = mostBytesPerToken(modelFamily(MODEL_OF[tokenizer] ?? '')) / 2;
    return CORPUS.runs.some(
      (run) => leastInputTokens(run.features, bytesPerToken) > tokensOf(run, tokenizer),
    );
  });
  expect(tooHigh).toEqual(['o200k_base', 'cl100k_base', 'claude_2', 'qwen3']);
});

test('a family whose vocabulary is not published has the bound of the longest token of any', () => {
  expect(mostBytesPerToken('claude-opus')).toBe(mostBytesPerToken('house-model'));
  expect(mostBytesPerToken('house-model')).toBeGreaterThan(mostBytesPerToken('gpt-5'));
});
