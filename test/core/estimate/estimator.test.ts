import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TokenEstimate } from '../../../core/estimate/estimate.ts';
import {
  COLD_OUTPUT_TOKENS,
  type EstimateInput,
  Estimator,
  MOST_FAMILIES,
  MOST_PAIRS,
  UNBOUNDED_OUTPUT_TOKENS,
} from '../../../core/estimate/estimator.ts';
import type { InputFeatures } from '../../../core/estimate/features.ts';
import { MOST_RATIO } from '../../../core/estimate/input-model.ts';
import { MOST_OUTPUT_TOKENS, WARM_CALLS } from '../../../core/estimate/pair-history.ts';
import { WEIGHT_RULES } from '../../../core/estimate/token-weights.ts';
import type { Usage } from '../../../core/usage.ts';
import { toCall, toUsage } from './recorded-corpus.ts';

const PROSE: InputFeatures = {
  proseBytes: 4_000,
  codeBytes: 0,
  digitBytes: 0,
  nonAsciiBytes: 0,
  messages: 2,
  media: 0,
  tools: 0,
};

const CALL: EstimateInput = toCall(PROSE);

const features: fc.Arbitrary<InputFeatures> = fc.record({
  proseBytes: fc.nat(100_000),
  codeBytes: fc.nat(100_000),
  digitBytes: fc.nat(10_000),
  nonAsciiBytes: fc.nat(100_000),
  messages: fc.nat(200),
  media: fc.nat(20),
  tools: fc.nat(100),
});

const counts = fc.oneof(fc.nat(200_000), fc.constantFrom(0, 1, 1e9, 1e15, Number.MAX_SAFE_INTEGER));
const usages: fc.Arbitrary<Usage> = fc.record({
  inputTokens: counts,
  cacheReadTokens: counts,
  cacheWriteTokens: counts,
  outputTokens: counts,
});

const calls: fc.Arbitrary<EstimateInput> = fc.record({
  agent: fc.constantFrom('a', 'b'),
  model: fc.constantFrom('gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4-5', ''),
  features: fc.oneof(features, fc.constant(undefined)),
  bodyBytes: fc.nat(32 * 1024 * 1024),
  maxOutputTokens: fc.oneof(fc.nat(200_000), fc.constant(undefined)),
  modelMaxOutputTokens: fc.oneof(fc.nat(200_000), fc.constant(undefined)),
});

const histories = fc.array(fc.tuple(calls, usages), { maxLength: 40 });

function taught(history: readonly (readonly [EstimateInput, Usage])[]): Estimator {
  const estimator = new Estimator();
  for (const [call, usage] of history) estimator.learn(call, usage);
  return estimator;
}

function amountsOf({ learned, strict, known }: TokenEstimate): number[] {
  return [learned, strict, known].flatMap(({ input, output }) => [input, output]);
}

function learnTimes(estimator: Estimator, times: number, call: EstimateInput, usage: Usage): void {
  for (let i = 0; i < times; i++) estimator.learn(call, usage);
}

describe('an estimate, whatever was learned', () => {
  test('has whole, finite amounts in order: known <= learned <= strict', () => {
    fc.assert(
      fc.property(histories, calls, (history, call) => {
        const estimate = taught(history).estimate(call);
        for (const amount of amountsOf(estimate)) {
          expect(Number.isSafeInteger(amount)).toBe(true);
          expect(amount).toBeGreaterThanOrEqual(0);
        }
        expect(estimate.known.input).toBeLessThanOrEqual(estimate.learned.input);
        expect(estimate.learned.input).toBeLessThanOrEqual(estimate.strict.input);
        expect(estimate.known.output).toBe(0);
      }),
    );
  });

  test('never falls when the body has more of anything', () => {
    // PROSE has every feature and nothing else.
    const keys = Object.keys(PROSE) as (keyof InputFeatures)[];
    const more = fc.record(Object.fromEntries(keys.map((key) => [key, fc.nat(5_000)])));
    fc.assert(
      fc.property(histories, features, more, (history, small, added) => {
        const estimator = taught(history);
        const large = { ...small };
        for (const key of keys) large[key] = (small[key] ?? 0) + (added[key] ?? 0);
        const [less, greater] = [estimator.estimate(toCall(small)), estimator.estimate(toCall(large))];
        for (const strength of ['learned', 'strict', 'known'] as const) {
          expect(greater[strength].input).toBeGreaterThanOrEqual(less[strength].input);
        }
        expect(estimator.expectedInput(toCall(large))).toBeGreaterThanOrEqual(
          estimator.expectedInput(toCall(small)),
        );
      }),
    );
  });

  test('stays within the documented bounds: at most a token a byte, times the largest ratio', () => {
    fc.assert(
      fc.property(histories, features, (history, body) => {
        const call = toCall(body);
        const estimator = taught(history);
        const values: Record<string, number> = { ...body, call: 1 };
        const bound = (side: 'least' | 'most'): number =>
          WEIGHT_RULES.reduce((sum, rule) => sum + rule[side] * (values[rule.feature] ?? 0), 0);
        expect(estimator.estimate(call).strict.input).toBeLessThanOrEqual(
          Math.ceil(MOST_RATIO * bound('most')),
        );
        expect(estimator.estimate(call).strict.input).toBeGreaterThanOrEqual(
          Math.floor(bound('least') / MOST_RATIO),
        );
      }),
    );
  });

  test('depends on the calls learned from and on nothing else', () => {
    fc.assert(
      fc.property(histories, calls, (history, call) => {
        const [one, other] = [taught(history), taught(history)];
        for (let i = 0; i < 5; i++) other.estimate({ ...call, agent: `asked-${i}`, model: `asked-${i}` });
        expect(other.estimate(call)).toEqual(one.estimate(call));
      }),
    );
  });
});

describe('a usage that cannot be true', () => {
  test.each<[string, Partial<Usage>]>([
    ['no input at all', { inputTokens: 0 }],
    ['a negative count', { inputTokens: 100, outputTokens: -1 }],
    ['a negative input', { inputTokens: -100, cacheReadTokens: 300 }],
    ['not a number', { cacheWriteTokens: Number.NaN }],
    ['infinite output', { outputTokens: Number.POSITIVE_INFINITY }],
  ])('%s is not learned from', (_name, part) => {
    const estimator = new Estimator();
    expect(estimator.learn(CALL, { ...toUsage(1_000), ...part })).toBeUndefined();
    expect(estimator.estimate(CALL)).toEqual(new Estimator().estimate(CALL));
  });
});

describe('learn', () => {
  test('returns predicted / actual as it stood before the call', () => {
    const estimator = new Estimator();
    const before = estimator.expectedInput(CALL);
    expect(estimator.learn(CALL, toUsage(500))).toBeCloseTo(before / 500, 10);
    const after = estimator.expectedInput(CALL);
    expect(estimator.learn(CALL, toUsage(500))).toBeCloseTo(after / 500, 10);
    expect(after).toBeLessThan(before);
  });

  test('counts cache reads and writes as input, since the features describe the whole body', () => {
    const [plain, cached] = [new Estimator(), new Estimator()];
    learnTimes(plain, 30, CALL, toUsage(1_600));
    learnTimes(cached, 30, CALL, {
      inputTokens: 100,
      cacheReadTokens: 1_200,
      cacheWriteTokens: 300,
      outputTokens: 100,
    });
    expect(cached.expectedInput(CALL)).toBe(plain.expectedInput(CALL));
    expect(cached.estimate(CALL).strict.input).toBe(plain.estimate(CALL).strict.input);
  });

  test('is shared by the models of a family and kept from others', () => {
    const estimator = new Estimator();
    learnTimes(estimator, 30, { ...CALL, model: 'gpt-4o-mini' }, toUsage(2_500));
    const cold = new Estimator().expectedInput(CALL);
    const expected = (model: string): number => estimator.expectedInput({ ...CALL, model });
    expect(expected('gpt-4o-2024-11-20')).toBe(expected('gpt-4o'));
    expect(expected('gpt-4o')).toBeGreaterThan(2 * cold);
    expect(expected('claude-sonnet-4-5')).toBe(cold);
  });
});

describe('the learned input of an agent that reads from caches', () => {
  const cachedUsage = { inputTokens: 40, cacheReadTokens: 950, cacheWriteTokens: 10, outputTokens: 100 };

  test('comes down to the uncached share, while strict stays at the whole', () => {
    const estimator = new Estimator();
    learnTimes(estimator, 100, CALL, cachedUsage);
    const { learned, strict } = estimator.estimate(CALL);
    expect(learned.input).toBeGreaterThanOrEqual(50);
    expect(learned.input).toBeLessThanOrEqual(100);
    expect(strict.input).toBeGreaterThanOrEqual(1_000);
  });

  test('stays whole for the first calls: a few cache reads prove no habit', () => {
    const estimator = new Estimator();
    learnTimes(estimator, 10, CALL, cachedUsage);
    expect(estimator.estimate(CALL).learned.input).toBeGreaterThanOrEqual(1_000);
  });

  test('covers nine calls of ten when one in five misses the cache', () => {
    const estimator = new Estimator();
    let covered = 0;
    for (let i = 0; i < 1_000; i++) {
      const usage = i % 5 === 0 ? toUsage(1_000) : cachedUsage;
      const actual = usage.inputTokens + usage.cacheWriteTokens;
      if (i >= 200 && estimator.estimate(CALL).learned.input >= actual) covered += 1;
      estimator.learn(CALL, usage);
    }
    expect(covered / 800).toBeGreaterThanOrEqual(0.85);
  });

  test('is the whole again at once for another agent, and stays whole without cache reads', () => {
    const estimator = new Estimator();
    learnTimes(estimator, 100, CALL, cachedUsage);
    learnTimes(estimator, 100, { ...CALL, agent: 'plain' }, toUsage(1_000));
    expect(estimator.estimate({ ...CALL, agent: 'newcomer' }).learned.input).toBeGreaterThanOrEqual(1_000);
    expect(estimator.estimate({ ...CALL, agent: 'plain' }).learned.input).toBeGreaterThanOrEqual(1_000);
  });

  test('is not known to cost anything: a cached prompt of any size may pass', () => {
    const estimator = new Estimator();
    const long = toCall({ ...PROSE, proseBytes: 4_000_000 });
    expect(estimator.estimate(long).known.input).toBeGreaterThan(30_000);
    estimator.learn(CALL, cachedUsage);
    expect(estimator.estimate(long).known.input).toBe(0);
  });
});

describe('a body that was not scanned', () => {
  test('is estimated from its size and known to cost nothing, since it may be all inline data', () => {
    const estimate = new Estimator().estimate({ ...CALL, features: undefined, bodyBytes: 40_000_000 });
    expect(estimate.learned.input).toBeGreaterThan(8_000_000);
    expect(estimate.known.input).toBe(0);
  });
});

describe('the output', () => {
  const cases: [string, Partial<EstimateInput>, { learned: number; strict: number; bounded: boolean }][] = [
    ['nothing', {}, { learned: COLD_OUTPUT_TOKENS, strict: UNBOUNDED_OUTPUT_TOKENS, bounded: false }],
    ['a cap', { maxOutputTokens: 9_000 }, { learned: 9_000, strict: 9_000, bounded: true }],
    ['a cap of 0', { maxOutputTokens: 0 }, { learned: 0, strict: 0, bounded: true }],
    [
      'a maximum',
      { modelMaxOutputTokens: 9_000 },
      { learned: COLD_OUTPUT_TOKENS, strict: 9_000, bounded: false },
    ],
    ['a small maximum', { modelMaxOutputTokens: 256 }, { learned: 256, strict: 256, bounded: false }],
    [
      'both',
      { maxOutputTokens: 50, modelMaxOutputTokens: 9_000 },
      { learned: 50, strict: 50, bounded: true },
    ],
  ];

  test.each(cases)('of a pair without history, where %s is known', (_name, part, expected) => {
    const { learned, strict, outputBounded } = new Estimator().estimate({ ...CALL, ...part });
    expect({ learned: learned.output, strict: strict.output, bounded: outputBounded }).toEqual(expected);
  });

  test('is the p95 of the pair once it is warm, never above the cap, whatever the model could write', () => {
    const estimator = new Estimator();
    for (let i = 0; i < 100; i++) estimator.learn(CALL, toUsage(1_000, i < 90 ? 200 : 3_000));
    const outputOf = (part: Partial<EstimateInput>): number =>
      estimator.estimate({ ...CALL, ...part }).learned.output;
    expect(outputOf({})).toBeGreaterThanOrEqual(3_000);
    expect(outputOf({})).toBeLessThan(3_000 * 1.2);
    expect(outputOf({ maxOutputTokens: 1_500 })).toBe(1_500);
    expect(outputOf({ maxOutputTokens: 100_000, modelMaxOutputTokens: 100_000 })).toBe(outputOf({}));
    expect(outputOf({ agent: 'other' })).toBe(COLD_OUTPUT_TOKENS);
    expect(outputOf({ model: 'gpt-4o-mini' })).toBe(COLD_OUTPUT_TOKENS);
  });

  test('covers at least 95 of 100 calls of a heavy-tailed agent', () => {
    const estimator = new Estimator();
    let covered = 0;
    for (let i = 0; i < 2_000; i++) {
      // Log-uniform between 16 and 8,192 tokens, in a fixed order without trend.
      const output = Math.round(16 * 2 ** (((i * 7_919) % 1_000) / 111));
      if (i >= 200 && estimator.estimate(CALL).learned.output >= output) covered += 1;
      estimator.learn(CALL, toUsage(1_000, output));
    }
    expect(covered / 1_800).toBeGreaterThanOrEqual(0.95);
  });

  test(`is learned from ${WARM_CALLS} calls on, and not before`, () => {
    const estimator = new Estimator();
    learnTimes(estimator, WARM_CALLS - 1, CALL, toUsage(1_000, 10));
    expect(estimator.estimate(CALL).learned.output).toBe(COLD_OUTPUT_TOKENS);
    estimator.learn(CALL, toUsage(1_000, 10));
    expect(estimator.estimate(CALL).learned.output).toBeLessThan(20);
  });

  test.each([
    1, 2, 15, 16, 17, 1_000,
  ])('of a pair that always writes %d is that, or a fifth more', (output) => {
    const estimator = new Estimator();
    learnTimes(estimator, WARM_CALLS, CALL, toUsage(1_000, output));
    const learned = estimator.estimate(CALL).learned.output;
    expect(learned).toBeGreaterThanOrEqual(output);
    expect(learned).toBeLessThanOrEqual(Math.ceil(1.2 * (output + 1)) - 1);
  });

  test('of embeddings is learned to be none', () => {
    const estimator = new Estimator();
    learnTimes(estimator, WARM_CALLS, CALL, toUsage(1_000, 0));
    expect(estimator.estimate(CALL).learned.output).toBe(0);
  });

  test('in strict mode without any bound is the largest that the pair is known to write', () => {
    const estimator = new Estimator();
    learnTimes(estimator, 5, CALL, toUsage(1_000, 20_000));
    const { strict, outputBounded } = estimator.estimate(CALL);
    expect(strict.output).toBeGreaterThanOrEqual(20_000);
    expect(strict.output).toBeLessThan(20_000 * 1.2);
    expect(outputBounded).toBe(false);
  });

  test('is bounded for an upstream that reports absurd numbers', () => {
    const estimator = new Estimator();
    learnTimes(estimator, 100, CALL, toUsage(1_000, 1e15));
    expect(estimator.estimate(CALL).learned.output).toBe(MOST_OUTPUT_TOKENS);
  });
});

describe('memory', () => {
  const agentCall = (i: number): EstimateInput => ({ ...CALL, agent: `agent-${i}` });

  test('a pair that makes room is the one that learned longest ago', () => {
    const estimator = new Estimator();
    for (let i = 0; i < MOST_PAIRS; i++) learnTimes(estimator, WARM_CALLS, agentCall(i), toUsage(1_000, 10));
    estimator.learn(agentCall(0), toUsage(1_000, 10));
    estimator.learn(agentCall(MOST_PAIRS), toUsage(1_000, 10));
    const warm = (i: number): boolean => estimator.estimate(agentCall(i)).learned.output < COLD_OUTPUT_TOKENS;
    expect([0, 1, 2, MOST_PAIRS - 1, MOST_PAIRS].map(warm)).toEqual([true, false, true, true, false]);
  });

  test('a pair without history is never given less than one that was forgotten', () => {
    const estimator = new Estimator();
    learnTimes(estimator, WARM_CALLS, agentCall(0), toUsage(1_000, 50_000));
    const remembered = estimator.estimate(agentCall(0));
    for (let i = 1; i <= MOST_PAIRS; i++) estimator.learn(agentCall(i), toUsage(1_000, 10));
    const forgotten = estimator.estimate(agentCall(0));
    expect(forgotten.learned.output).toBeGreaterThanOrEqual(remembered.learned.output);
    expect(forgotten.strict.output).toBeGreaterThanOrEqual(remembered.learned.output);
  });

  test('forgetting the only agent of a model forgets the model, and its next call is learned as the first', () => {
    const estimator = new Estimator();
    const lonely = { ...CALL, model: 'house-model' };
    learnTimes(estimator, WARM_CALLS, lonely, toUsage(1_000, 10));
    for (let i = 0; i < MOST_PAIRS; i++) estimator.learn(agentCall(i), toUsage(1_000, 10));
    expect(estimator.estimate(lonely).learned.output).toBe(COLD_OUTPUT_TOKENS);
    learnTimes(estimator, WARM_CALLS, lonely, toUsage(1_000, 10));
    expect(estimator.estimate(lonely).learned.output).toBeLessThan(COLD_OUTPUT_TOKENS);
  });

  test('families beyond the bound share one, which learns and is no cheaper for being full', () => {
    const estimator = new Estimator();
    const family = (i: number): EstimateInput => ({ ...CALL, model: `family${i}x` });
    for (let i = 0; i < MOST_FAMILIES; i++) learnTimes(estimator, 30, family(i), toUsage(2_000));
    const [one, other] = [family(MOST_FAMILIES), family(MOST_FAMILIES + 1)];
    expect(estimator.estimate(one)).toEqual(new Estimator().estimate(one));
    learnTimes(estimator, 30, one, toUsage(3_000));
    expect(estimator.expectedInput(other)).toBe(estimator.expectedInput(one));
    expect(estimator.expectedInput(one)).toBeGreaterThan(2_700);
    expect(Math.abs(estimator.expectedInput(family(0)) / 2_000 - 1)).toBeLessThan(0.05);
  });
});
