import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_PROMISES, PROMISE_EXPIRY_MS } from '../../core/engine/wait-line.ts';
import { hashString } from '../../core/hash-string.ts';
import type { LimitRule } from '../../core/policy/plan.ts';
import {
  type Caller,
  createDecider,
  type Journey,
  sendTogether,
  tokenRequest,
  waitOf,
} from './obedient-callers.ts';
import { amounts, createCall, createRule } from './sample-rules.ts';

/** A crowd that comes at once to a bucket that is empty or nearly so. */
type Crowd = {
  readonly rule: LimitRule;
  readonly amounts: readonly number[];
  readonly left: number;
  readonly seed: number;
  readonly latePermille: readonly number[];
};

const anyCrowd: fc.Arbitrary<Crowd> = fc
  .record({
    amounts: fc.oneof(
      fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 400 }),
      fc
        .tuple(fc.integer({ min: 2, max: 400 }), fc.integer({ min: 1, max: 1_000 }))
        .map(([count, amount]) => Array.from({ length: count }, () => amount)),
    ),
    limit: fc.integer({ min: 1, max: 10_000 }),
    windowMs: fc.constantFrom(1_000, 60_000, 3_600_000),
    // The bucket holds the largest call just so, a few more, or many.
    room: fc.oneof(fc.constant(0), fc.nat({ max: 3_000 }), fc.nat({ max: 1_000_000 })),
    left: fc.nat({ max: 1_000 }),
    seed: fc.nat(),
    latePermille: fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 20 }),
  })
  .map(({ limit, windowMs, room, ...crowd }) => ({
    ...crowd,
    rule: createRule({
      shape: { capacity: Math.max(...crowd.amounts) + room, limit, windowMs },
      unit: 'TotalTokens',
    }),
  }));

const msOf = ({ shape }: LimitRule, amount: number): number => (amount * shape.windowMs) / shape.limit;

/** All come at once after somebody has left `left` in the bucket. */
function send(crowd: Crowd, returnsAfterMs: (waitMs: number, at: number) => number): Journey[] {
  const decider = createDecider([crowd.rule]);
  const spent = crowd.rule.shape.capacity - Math.min(crowd.left, crowd.rule.shape.capacity);
  decider.decide(tokenRequest(spent, 1), 0);
  const callers = crowd.amounts.map(
    (amount, at): Caller => ({
      amount,
      hash: hashString(`${crowd.seed} ${at}`),
      returnsAfterMs: (waitMs) => returnsAfterMs(waitMs, at),
    }),
  );
  return sendTogether(decider, callers);
}

function mostRefusals(journeys: readonly Journey[]): number {
  return Math.max(...journeys.map(({ refusals }) => refusals));
}

/** All have passed within 1.25 N places. A place shorter than a millisecond's rounding can cost that much more. */
function expectPassed(
  { rule, amounts: costs }: Crowd,
  journeys: readonly Journey[],
  ownRoundingMs: number,
): void {
  const waited = journeys.flatMap((journey, at) =>
    journey.passedMs > 0 ? [{ ...journey, cost: costs[at] ?? 0 }] : [],
  );
  const sum = waited.reduce((total, { cost }) => total + cost, 0);
  const largest = Math.max(...costs);
  const spareMs = msOf(rule, rule.shape.capacity - largest);
  const roundedMs = spareMs > 1 + msOf(rule, largest) / 10 ? 1 : waited.length;
  const last = Math.max(0, ...waited.map(({ passedMs }) => passedMs));
  expect(last).toBeLessThanOrEqual(1.25 * msOf(rule, sum) + roundedMs + ownRoundingMs);
}

describe('callers refused together', () => {
  const everybodyRefused = anyCrowd.map((crowd) => ({
    ...crowd,
    left: crowd.left % Math.min(...crowd.amounts),
  }));

  it('all pass within 1.25 N cost / rate when they come back when told, and none is refused again', () => {
    fc.assert(
      fc.property(everybodyRefused, (crowd) => {
        const journeys = send(crowd, (waitMs) => waitMs);
        expect(mostRefusals(journeys)).toBe(1);
        expectPassed(crowd, journeys, 0);
      }),
      { numRuns: 250 },
    );
  });

  it('do so too when some read only whole seconds, where the burst holds a second of the rate beside the largest call', () => {
    fc.assert(
      fc.property(everybodyRefused, (given) => {
        const { shape } = given.rule;
        // The largest call with its spacing and jitter, and what a second earns.
        const capacity = Math.ceil(1.2 * shape.capacity + (shape.limit * 1_000) / shape.windowMs);
        const crowd = { ...given, rule: createRule({ shape: { ...shape, capacity }, unit: 'TotalTokens' }) };
        const journeys = send(crowd, (waitMs, at) =>
          at % 3 === 0 ? Math.ceil(waitMs / 1_000) * 1_000 : waitMs,
        );
        expect(mostRefusals(journeys)).toBe(1);
        expectPassed(crowd, journeys, 1_000);
      }),
      { numRuns: 250 },
    );
  });

  it('do so too when they are late by up to a tenth of the shortest place, whatever the burst', () => {
    fc.assert(
      fc.property(everybodyRefused, (crowd) => {
        const placeMs = msOf(crowd.rule, Math.min(...crowd.amounts));
        const lateMs = Math.min(placeMs / 10 - 1, PROMISE_EXPIRY_MS);
        fc.pre(lateMs >= 1);
        const journeys = send(
          crowd,
          (waitMs, at) =>
            waitMs + Math.floor((lateMs * (crowd.latePermille[at % crowd.latePermille.length] ?? 0)) / 1_000),
        );
        expect(mostRefusals(journeys)).toBe(1);
        expectPassed(crowd, journeys, lateMs);
      }),
      { numRuns: 250 },
    );
  });

  it('do so too where calls are held for a moment first', () => {
    fc.assert(
      fc.property(everybodyRefused, fc.constantFrom(100, 2_000, 60_000), (given, maxWaitMs) => {
        const crowd = { ...given, rule: { ...given.rule, maxWaitMs } };
        const journeys = send(crowd, (waitMs) => waitMs);
        expect(mostRefusals(journeys)).toBeLessThanOrEqual(2);
        expectPassed(crowd, journeys, 0);
      }),
      { numRuns: 250 },
    );
  });

  it('are refused at most once more, and pass in the same time, when smaller calls take what was left', () => {
    fc.assert(
      fc.property(anyCrowd, (crowd) => {
        const journeys = send(crowd, (waitMs) => waitMs);
        expect(mostRefusals(journeys)).toBeLessThanOrEqual(2);
        expectPassed(crowd, journeys, 0);
      }),
      { numRuns: 250 },
    );
  });

  it('are told the same time again when they come early, and lengthen nobody’s wait by it', () => {
    fc.assert(
      fc.property(anyCrowd, fc.array(fc.nat(), { maxLength: 50 }), (crowd, early) => {
        const decider = createDecider([crowd.rule]);
        decider.decide(tokenRequest(crowd.rule.shape.capacity, 1), 0);
        const told = crowd.amounts.map(
          (amount, at) => waitOf(decider.decide(tokenRequest(amount, at), 0)) ?? -1,
        );
        const patient = createDecider([crowd.rule]);
        patient.decide(tokenRequest(crowd.rule.shape.capacity, 1), 0);
        // Until the bucket holds a unit, everybody is early.
        const nowMs = Math.ceil(msOf(crowd.rule, 1)) - 1;
        for (const at of early) {
          const one = at % told.length;
          const again = waitOf(decider.decide(tokenRequest(crowd.amounts[one] ?? 0, one), nowMs)) ?? -1;
          expect(again).toBe(Math.max(1, (told[one] ?? 0) - nowMs));
        }
        crowd.amounts.forEach((amount, at) => {
          expect(waitOf(patient.decide(tokenRequest(amount, at), 0))).toBe(told[at]);
        });
        const newcomer = (at: typeof decider) => waitOf(at.decide(tokenRequest(1, -7), nowMs));
        expect(newcomer(decider)).toBe(newcomer(patient));
      }),
      { numRuns: 150 },
    );
  });
});

describe('an announced wait', () => {
  const anyRules = fc.array(
    fc.record({
      capacity: fc.integer({ min: 1, max: 100 }),
      limit: fc.integer({ min: 1, max: 100 }),
      windowMs: fc.constantFrom(10, 1_000, 60_000),
      per: fc.constantFrom<readonly ('user' | 'agent')[]>([], ['user'], ['agent', 'user']),
    }),
    { minLength: 1, maxLength: 3 },
  );

  it('is enough: a caller who is alone with it passes', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(
          fc.record({
            user: fc.nat({ max: 2 }),
            amount: fc.integer({ min: 1, max: 60 }),
            gapMs: fc.nat({ max: 500 }),
            usedPercent: fc.option(fc.nat({ max: 300 })),
          }),
          { maxLength: 40 },
        ),
        fc.integer({ min: 1, max: 100 }),
        (shapes, past, amount) => {
          const rules = shapes.map(({ per, ...shape }, at) =>
            createRule({ limit: `limit${at}`, shape, per, unit: 'TotalTokens' }),
          );
          const decider = createDecider(rules);
          let nowMs = 0;
          for (const [i, { user, amount: cost, gapMs, usedPercent }] of past.entries()) {
            nowMs += gapMs;
            const decision = decider.decide(
              tokenRequest(cost, i, { call: createCall({ user: `u${user}` }) }),
              nowMs,
            );
            if (decision.kind !== 'admit' || usedPercent === null) continue;
            decider.settle(decision.reservation, amounts({ TotalTokens: (cost * usedPercent) / 100 }), nowMs);
          }
          const ask = () =>
            decider.decide(tokenRequest(amount, 77, { call: createCall({ user: 'u0' }) }), nowMs);
          const first = ask();
          if (first.kind !== 'refuse' || first.refusal.class === 'TOO_LARGE') return;
          expect(Number.isSafeInteger(first.refusal.waitMs)).toBe(true);
          nowMs += first.refusal.waitMs;
          expect(ask().kind).toBe('admit');
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    { windowMs: 59_000, class: 'THROTTLED', waitMs: 59_000 },
    { windowMs: 60_000, class: 'DEFERRED', waitMs: 60_000 },
  ])('of $waitMs ms is $class', ({ windowMs, class: denyClass, waitMs }) => {
    const decider = createDecider([
      createRule({ shape: { capacity: 1, limit: 1, windowMs }, unit: 'TotalTokens' }),
    ]);
    decider.decide(tokenRequest(1, 0), 0);
    const decision = decider.decide(tokenRequest(1, 0), 0);
    expect(decision).toMatchObject({
      kind: 'refuse',
      refusal: { class: denyClass, waitMs, reason: 'TOKEN_RATE_EXCEEDED' },
    });
  });

  it('grows no further once a thousand callers have been promised a place', () => {
    const decider = createDecider([
      createRule({ shape: { capacity: 1, limit: 1, windowMs: 1_000 }, unit: 'TotalTokens' }),
    ]);
    decider.decide(tokenRequest(1, 0), 0);
    let last = 0;
    for (let i = 0; i < 3 * MAX_PROMISES; i++) last = waitOf(decider.decide(tokenRequest(1, i), 0)) ?? 0;
    expect(last).toBeLessThanOrEqual((MAX_PROMISES + 2) * 1_200);
  });

  it('follows a caller that comes back early and now asks for more', () => {
    const decider = createDecider([
      createRule({ shape: { capacity: 100, limit: 1, windowMs: 1_000 }, unit: 'TotalTokens' }),
    ]);
    decider.decide(tokenRequest(100, 0), 0);
    expect(waitOf(decider.decide(tokenRequest(1, 9), 0))).toBe(1_000);
    const waitMs = waitOf(decider.decide(tokenRequest(50, 9), 500)) ?? 0;
    expect(waitMs).toBeGreaterThanOrEqual(49_500);
    expect(decider.decide(tokenRequest(50, 9), 500 + waitMs).kind).toBe('admit');
  });

  it('is forgotten once the caller was served: its next call stands at the end of the line', () => {
    const decider = createDecider([
      createRule({ shape: { capacity: 1, limit: 1, windowMs: 1_000 }, unit: 'TotalTokens' }),
    ]);
    decider.decide(tokenRequest(1, 1), 0);
    const waits = [1, 2, 3].map((hash) => waitOf(decider.decide(tokenRequest(1, hash), 0)) ?? 0);
    const firstMs = waits[0] ?? 0;
    expect(decider.decide(tokenRequest(1, 1), firstMs).kind).toBe('admit');
    const secondWaitMs = waitOf(decider.decide(tokenRequest(1, 1), firstMs)) ?? 0;
    expect(firstMs + secondWaitMs).toBeGreaterThanOrEqual((waits[2] ?? 0) + 1_000);
  });

  it('by old numbers is void when the numbers change', () => {
    const slow = createRule({ shape: { capacity: 1, limit: 1, windowMs: 60_000 }, unit: 'TotalTokens' });
    const decider = createDecider([slow]);
    decider.decide(tokenRequest(1, 0), 0);
    for (let i = 0; i < 50; i++) decider.decide(tokenRequest(1, i), 0);
    const fast = { ...slow, shape: { ...slow.shape, limit: 60 } };
    decider.apply({ revision: 2, rules: [fast], tools: [] }, 0);
    expect(waitOf(decider.decide(tokenRequest(1, 99), 0))).toBeLessThanOrEqual(1_100);
  });
});
