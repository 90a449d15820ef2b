import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFeatureVector,
  dot,
  type FeatureVector,
  readFeatures,
  TokenWeights,
  WEIGHT_RULES,
} from '../../../core/estimate/token-weights.ts';
import { median } from '../../median.ts';

/** The weights of a tokenizer that is exactly linear: what the learner must find. */
const TRUE_WEIGHTS = Float64Array.from([0.3, 0.45, 0.5, 0.6, 7, 6, 700, 30]);

/** Bytes of natural traffic: one class dominates each call. */
const vectors = fc
  .tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 200, max: 20_000 }),
    fc.integer({ min: 1, max: 8 }),
  )
  .map(([feature, bytes, messages]) => {
    const vector = createFeatureVector();
    vector[feature === 2 ? 1 : feature] = bytes;
    if (feature === 2) vector[2] = Math.floor(bytes / 2);
    vector[4] = 1;
    vector[5] = messages;
    return vector;
  });

function actualOf(vector: FeatureVector): number {
  return Math.round(dot(TRUE_WEIGHTS, vector));
}

describe('the weights', () => {
  test('find those of a linear tokenizer: within 10 % after 200 calls of any mix', () => {
    fc.assert(
      fc.property(fc.array(vectors, { minLength: 200, maxLength: 200 }), (calls) => {
        const weights = new TokenWeights();
        for (const vector of calls) weights.learn(vector, actualOf(vector));
        const errors = calls.map((vector) => Math.abs(dot(weights.values, vector) / actualOf(vector) - 1));
        expect(median(errors)).toBeLessThan(0.1);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ['one class of text', [4_000, 0], 0.93],
    ['two classes of one share each', [2_000, 1_760], 0.87],
  ])('a first call of %s corrects the error by what its uncertainty is worth', (_name, bytes, corrected) => {
    const weights = new TokenWeights();
    // A variance of 0.4 in each weight against 0.03 between calls: 0.4 / 0.43, and 0.2 / 0.23.
    const vector = Float64Array.from([...bytes, 0, 0, 0, 0, 0, 0]);
    const before = dot(weights.values, vector);
    weights.learn(vector, before * 1.1);
    expect(Math.log(dot(weights.values, vector) / before) / Math.log(1.1)).toBeCloseTo(corrected, 2);
  });

  test('follow a model that begins to count half as much again, within 30 calls', () => {
    const weights = new TokenWeights();
    const vector = Float64Array.from([4_000, 0, 0, 0, 1, 2, 0, 0]);
    for (let i = 0; i < 500; i++) weights.learn(vector, 1_000);
    for (let i = 0; i < 30; i++) weights.learn(vector, 1_500);
    expect(dot(weights.values, vector) / 1_500).toBeGreaterThan(0.93);
  });

  test('one absurd call among a hundred honest ones moves the prediction by less than a tenth', () => {
    const weights = new TokenWeights();
    const vector = Float64Array.from([4_000, 0, 0, 0, 1, 2, 0, 0]);
    for (let i = 0; i < 100; i++) weights.learn(vector, 1_000);
    weights.learn(vector, 1e15);
    expect(dot(weights.values, vector) / 1_000).toBeLessThan(1.1);
  });

  test('a hundred calls of JSON do not disturb what was learned of prose', () => {
    const weights = new TokenWeights();
    const prose = Float64Array.from([4_000, 0, 0, 0, 1, 1, 0, 0]);
    const json = Float64Array.from([100, 4_000, 500, 0, 1, 1, 0, 0]);
    for (let i = 0; i < 50; i++) weights.learn(prose, 800);
    for (let i = 0; i < 100; i++) weights.learn(json, 2_500);
    expect(Math.abs(dot(weights.values, prose) / 800 - 1)).toBeLessThan(0.03);
    expect(Math.abs(dot(weights.values, json) / 2_500 - 1)).toBeLessThan(0.03);
  });

  test('stay within their documented bounds, whatever an upstream reports', () => {
    const counts = fc.constantFrom(1, 2, 1e6, 1e15, Number.MAX_SAFE_INTEGER);
    const anyVector = fc
      .array(fc.nat(1e9), { minLength: WEIGHT_RULES.length, maxLength: WEIGHT_RULES.length })
      .map((values) => Float64Array.from(values, (value, i) => (i === 4 ? 1 : value)));
    fc.assert(
      fc.property(fc.array(fc.tuple(anyVector, counts), { maxLength: 60 }), (calls) => {
        const weights = new TokenWeights();
        for (const [vector, actual] of calls) weights.learn(vector, actual);
        for (const [i, { least, most }] of WEIGHT_RULES.entries()) {
          expect(weights.values[i]).toBeGreaterThanOrEqual(least);
          expect(weights.values[i]).toBeLessThanOrEqual(most);
        }
      }),
    );
  });

  test.each([
    ['too many tokens', 1e15, (i: number) => WEIGHT_RULES[i]?.most],
    ['too few', 1, (i: number) => WEIGHT_RULES[i]?.least],
  ])('reach a bound and stop there when every call reports %s', (_name, actual, bound) => {
    for (const [i, { feature }] of WEIGHT_RULES.entries()) {
      if (feature === 'call') continue;
      const weights = new TokenWeights();
      const vector = createFeatureVector();
      vector[4] = 1;
      vector[i] = 100_000;
      for (let n = 0; n < 2_000; n++) weights.learn(vector, actual);
      expect(weights.values[i], feature).toBe(bound(i));
    }
  });
});

describe('readFeatures', () => {
  test('puts each feature where its rule stands', () => {
    const features = {
      proseBytes: 1,
      codeBytes: 2,
      digitBytes: 3,
      nonAsciiBytes: 4,
      messages: 6,
      media: 7,
      tools: 8,
    };
    const vector = createFeatureVector().fill(99);
    readFeatures(features, 1_000, vector);
    const named: Record<string, number> = { ...features, call: 1 };
    expect([...vector]).toEqual(WEIGHT_RULES.map(({ feature }) => named[feature]));
  });

  test('takes a body that was not scanned for code', () => {
    const vector = createFeatureVector();
    readFeatures(undefined, 1_000, vector);
    expect([...vector]).toEqual([0, 1_000, 0, 0, 1, 1, 0, 0]);
  });
});
