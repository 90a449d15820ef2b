import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QuantileSketch, type SketchShape } from '../../../core/estimate/quantile-sketch.ts';

const SHAPE: SketchShape = { lowest: 1, octaves: 20, bucketsPerOctave: 4, memory: 50 };

type Observation = { readonly value: number; readonly weight: number };

/** The dumb twin: keeps every observation and shrinks all of them at each addition. */
function exactQuantile(observations: readonly Observation[], share: number, memory: number): number {
  let kept: { value: number; weight: number }[] = [];
  for (const { value, weight } of observations) {
    kept.push({ value, weight });
    kept = kept.map((each) => ({ ...each, weight: each.weight / (1 + weight / memory) }));
  }
  const total = kept.reduce((sum, { weight }) => sum + weight, 0);
  let passed = 0;
  for (const { value, weight } of kept.sort((a, b) => a.value - b.value)) {
    passed += weight;
    if (passed >= share * total * (1 - 1e-9)) return value;
  }
  return kept.at(-1)?.value ?? Number.NaN;
}

const observations = fc.array(
  fc.record({
    value: fc.integer({ min: 1, max: 1_000_000 }),
    weight: fc.constantFrom(0.25, 0.5, 1),
  }),
  { minLength: 1, maxLength: 120 },
);

describe('a quantile', () => {
  test('is that of a list which forgets, to within one bucket above', () => {
    fc.assert(
      fc.property(observations, fc.constantFrom(0.5, 0.9, 0.95, 0.99), (list, share) => {
        const sketch = new QuantileSketch(SHAPE);
        for (const { value, weight } of list) sketch.add(value, weight);
        const exact = exactQuantile(list, share, SHAPE.memory);
        // Two observations at the edge of the share may swap by rounding: then the neighbour's value is right too.
        const nearly = [-1e-6, 1e-6].map((shift) => exactQuantile(list, share + shift, SHAPE.memory));
        const candidates = [exact, ...nearly].sort((a, b) => a - b);
        const estimate = sketch.quantile(share);
        expect(estimate).toBeGreaterThanOrEqual((candidates[0] ?? 0) * (1 - 1e-9));
        expect(estimate).toBeLessThanOrEqual((candidates.at(-1) ?? 0) * 2 ** (1 / 4) * (1 + 1e-9));
      }),
    );
  });

  test('never falls when the share grows, and stays within the bounds whatever is added', () => {
    const hostile = fc.oneof(
      fc.double({ noNaN: true }),
      fc.constantFrom(0, -1, 1e300, Number.POSITIVE_INFINITY),
    );
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 40 }), (values) => {
        const sketch = new QuantileSketch(SHAPE);
        for (const value of values) sketch.add(value, 1);
        const quantiles = [0, 0.1, 0.5, 0.9, 0.99, 1].map((share) => sketch.quantile(share));
        expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b));
        for (const quantile of quantiles) {
          expect(quantile).toBeGreaterThanOrEqual(SHAPE.lowest);
          expect(quantile).toBeLessThanOrEqual(SHAPE.lowest * 2 ** SHAPE.octaves);
        }
      }),
    );
  });

  test('follows a change after about as many observations as it remembers', () => {
    const sketch = new QuantileSketch(SHAPE);
    for (let i = 0; i < 10_000; i++) sketch.add(1_000, 1);
    for (let i = 0; i < 5 * SHAPE.memory; i++) sketch.add(10, 1);
    expect(sketch.quantile(0.95)).toBeLessThan(20);
  });

  test('is not disturbed by the rescaling of old weights', () => {
    const sketch = new QuantileSketch(SHAPE);
    // 51/50 to the power of 1,395 passes the point of rescaling; 10,000 additions pass it seven times.
    for (let i = 0; i < 10_000; i++) {
      sketch.add(i % 2 === 0 ? 100 : 400, 1);
      if (i > 200) expect([sketch.quantile(0.3), sketch.quantile(0.9)].map(Math.round)).toEqual([108, 431]);
    }
  });
});
