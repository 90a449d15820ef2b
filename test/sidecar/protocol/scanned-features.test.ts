// Sampled features must be good enough for the estimator: the promise of 15 % is kept from the bytes of real bodies on.

import { describe, expect, it } from 'vitest';
import { Estimator } from '../../../core/estimate/estimator.ts';
import type { InputFeatures } from '../../../core/estimate/features.ts';
import { parseRequest } from '../../../sidecar/protocol/openai/request.ts';
import {
  CLASSES,
  CORPUS,
  LEARNED_CALLS,
  MODEL_OF,
  type Sample,
  samplesOf,
  toCall,
  tokensOf,
  toUsage,
} from '../../core/estimate/recorded-corpus.ts';
import { median } from '../../median.ts';

/** Goes through a class in another order than it was recorded in. */
const STRIDE = 7;

function scan(sample: Sample): InputFeatures {
  const parsed = parseRequest(Buffer.from(JSON.stringify({ model: 'm', messages: sample.messages })));
  if (parsed.kind === 'invalid') throw new Error(parsed.problem);
  return parsed.facts.features;
}

describe.each(CLASSES)('the features of %s requests', (corpusClass) => {
  it('hold every byte of text, and nearly every digit', () => {
    const sum = { text: 0, recordedText: 0, digits: 0, recordedDigits: 0 };
    for (const sample of samplesOf(corpusClass, STRIDE)) {
      const { proseBytes, codeBytes, nonAsciiBytes, digitBytes = 0 } = scan(sample);
      sum.text += proseBytes + codeBytes + nonAsciiBytes;
      sum.recordedText +=
        sample.features.proseBytes + sample.features.codeBytes + sample.features.nonAsciiBytes;
      sum.digits += digitBytes;
      sum.recordedDigits += sample.features.digitBytes ?? 0;
    }
    expect(sum.text).toBe(sum.recordedText);
    expect(Math.abs(sum.digits - sum.recordedDigits)).toBeLessThan(0.25 * sum.recordedDigits);
  });

  it.each(CORPUS.tokenizers)('estimate %s within 15 % (median) after 50 calls', (tokenizer) => {
    const estimator = new Estimator();
    const errors = samplesOf(corpusClass, STRIDE).flatMap((sample, index) => {
      const call = toCall(scan(sample), MODEL_OF[tokenizer]);
      const actual = tokensOf(sample, tokenizer);
      const error = Math.abs(estimator.expectedInput(call) / actual - 1);
      estimator.learn(call, toUsage(actual));
      return index < LEARNED_CALLS ? [] : [error];
    });
    expect(errors.length).toBeGreaterThan(30);
    expect(median(errors)).toBeLessThanOrEqual(0.15);
  });
});
