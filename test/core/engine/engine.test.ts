import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BucketTable } from '../../../core/engine/bucket-table.ts';
import { Engine, RESERVATION_DEADLINE_MS, type ReservationId } from '../../../core/engine/engine.ts';
import { MAX_CLASSES } from '../../../core/engine/refund-history.ts';
import type { LimitRule } from '../../../core/policy/plan.ts';
import { amounts, costOf, createChain, createRule } from '../sample-rules.ts';
import { type Admitted, EngineWorld } from './engine-world.ts';
import { expectIntervalBound } from './interval-bound.ts';

const anyRule = (shadow: fc.Arbitrary<boolean>): fc.Arbitrary<LimitRule> =>
  fc
    .record({
      capacity: fc.integer({ min: 1, max: 200 }),
      limit: fc.integer({ min: 1, max: 100 }),
      windowMs: fc.constantFrom(3, 50, 1_000),
      shadow,
    })
    .map(({ shadow: isShadow, ...shape }) => createRule({ shape, unit: 'TotalTokens', shadow: isShadow }));

type Step =
  | { readonly kind: 'wait'; readonly elapsedMs: number }
  | { readonly kind: 'reserve'; readonly rules: number; readonly amount: number }
  | {
      readonly kind: 'topUp';
      readonly elapsedMs: number;
      readonly which: number;
      readonly usedPercent: number;
    }
  | { readonly kind: 'settle'; readonly which: number; readonly usedPercent: number | undefined };

const stepsOf = (maxUsedPercent: number): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('wait' as const),
        elapsedMs: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 3_000 })),
      }),
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('reserve' as const),
          rules: fc.integer({ min: 1, max: 15 }),
          amount: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 250 })),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('settle' as const),
          which: fc.nat(),
          usedPercent: fc.option(fc.nat({ max: maxUsedPercent }), { nil: undefined }),
        }),
      },
    ),
    { maxLength: 80 },
  );

/** The same with calls that are topped up while they run. */
const flowingSteps: fc.Arbitrary<Step[]> = stepsOf(300).chain((steps) =>
  fc
    .array(
      fc.record({
        at: fc.nat({ max: steps.length }),
        kind: fc.constant('topUp' as const),
        // The buckets are behind in time when it comes.
        elapsedMs: fc.nat({ max: 100 }),
        which: fc.nat(),
        usedPercent: fc.nat({ max: 300 }),
      }),
      { maxLength: 30 },
    )
    .map((topUps) => [
      ...steps.flatMap((step, i) => [...topUps.filter(({ at }) => at === i), step]),
      ...topUps.filter(({ at }) => at === steps.length),
    ]),
);

const fourRules = (shadow: fc.Arbitrary<boolean>) =>
  fc.array(anyRule(shadow), { minLength: 4, maxLength: 4 });

/** The rules whose bits are set, among the first `count`. */
const chosen = (bits: number, count = 4): number[] =>
  [0, 1, 2, 3].filter((at) => at < count && bits & (1 << at));

const usedOf = (reserved: number, percent: number | undefined): number | undefined =>
  percent === undefined ? undefined : Math.floor((reserved * percent) / 100);

/** Waits, or settles one of the open calls; a reservation is the test's own business. */
function pass(world: EngineWorld, step: Step): Admitted | undefined {
  if (step.kind === 'wait') world.nowMs += step.elapsedMs;
  if (step.kind !== 'settle') return undefined;
  const reserved = world.open[step.which % Math.max(1, world.open.length)]?.reserved ?? 0;
  return world.settle(step.which, usedOf(reserved, step.usedPercent));
}

/** What was admitted and what it cost in the end. */
class Meter {
  readonly #world: EngineWorld;
  readonly #all: { readonly call: Admitted; cost: number }[] = [];

  constructor(world: EngineWorld) {
    this.#world = world;
  }

  reserve(rules: readonly number[], amount: number): void {
    const call = this.#world.reserve(rules, amount);
    if (call !== undefined) this.#all.push({ call, cost: amount });
  }

  settle(which: number, percent: number | undefined): void {
    const call = this.#world.open[which % Math.max(1, this.#world.open.length)];
    const entry = this.#all.find((one) => one.call === call);
    if (entry === undefined) return;
    const used = usedOf(entry.cost, percent);
    this.#world.settle(which, used);
    entry.cost = used ?? entry.cost;
  }

  expectBound({ shape }: LimitRule, at: number): void {
    const calls = this.#all.filter(({ call }) => call.rules.includes(at));
    expectIntervalBound(
      shape,
      calls.map(({ call, cost }) => ({ atMs: call.atMs, cost: Math.min(cost, shape.capacity) })),
    );
  }
}

function oneBucket(capacity: number, limit: number, windowMs = 1_000): EngineWorld {
  return new EngineWorld([createRule({ shape: { capacity, limit, windowMs }, unit: 'TotalTokens' })]);
}

function expectEndedOnce(steps: readonly Step[], again: readonly number[]): void {
  const world = oneBucket(300, 50, 100);
  const ended: ReservationId[] = [];
  const ids = new Set<ReservationId>();
  for (const [i, step] of steps.entries()) {
    const done = pass(world, step);
    if (done !== undefined) ended.push(done.id);
    const call = step.kind === 'reserve' ? world.reserve([0], step.amount) : undefined;
    expect(call !== undefined && ids.has(call.id)).toBe(false);
    if (call !== undefined) ids.add(call.id);
    const stale = ended[(again[i % again.length] ?? 0) % Math.max(1, ended.length)];
    const before = world.levels();
    expect(stale !== undefined && world.engine.settle(stale, amounts({}), world.nowMs)).toBe(false);
    expect(stale !== undefined && world.engine.topUp(stale, amounts({ TotalTokens: 99 }), 0)).toBe(false);
    expect(world.levels()).toEqual(before);
    expect(world.engine.openReservations).toBe(ids.size - ended.length);
  }
}

function expectGauge(max: number, settles: readonly number[]): void {
  const table = new BucketTable();
  const engine = new Engine(table);
  const rule = createRule({ shape: { capacity: max, limit: 0, windowMs: 0 }, unit: 'Concurrency' });
  const slot = table.allocate(rule.shape, max, 0);
  const open: ReservationId[] = [];
  for (const which of settles) {
    const result = engine.reserve(createChain([rule], [slot]), costOf({ Concurrency: 1 }), 0);
    expect(result.kind).toBe(open.length < max ? 'admitted' : 'short');
    if (result.kind === 'admitted') open.push(result.reservation);
    expect(table.levelOf(slot)).toBe(max - open.length);
    const used = which % 2 === 0 ? undefined : amounts({ Concurrency: 9 });
    const ending = which % 3 === 0 ? open.splice(which % open.length, 1) : [];
    for (const id of ending) engine.settle(id, used, 0);
  }
  for (const id of open) engine.settle(id, undefined, 0);
  expect(table.levelOf(slot)).toBe(max);
  expect(engine.openReservations).toBe(0);
}

/** Each call is topped up at most once: then a refund is exact. */
function expectToppedUpTwins(rules: readonly LimitRule[], steps: readonly Step[]): void {
  const world = new EngineWorld(rules);
  const toppedUp = new Set<Admitted>();
  for (const step of steps) {
    pass(world, step);
    if (step.kind === 'reserve' && world.open.length < MAX_CLASSES / 2) {
      world.reserve(chosen(step.rules), step.amount);
    }
    if (step.kind === 'topUp') {
      world.nowMs += step.elapsedMs;
      const call = world.open[step.which % Math.max(1, world.open.length)];
      if (call !== undefined && !toppedUp.has(call)) {
        toppedUp.add(call);
        world.topUp(step.which, usedOf(call.reserved, step.usedPercent) ?? 0);
      }
    }
    expect(world.levels()).toEqual(world.trueLevels());
  }
}

/** Topped up however often, a bucket never holds more than its twin. */
function expectNeverAbove(rules: readonly LimitRule[], steps: readonly Step[]): void {
  const world = new EngineWorld(rules);
  for (const step of steps) {
    pass(world, step);
    if (step.kind === 'reserve') world.reserve(chosen(step.rules), step.amount);
    if (step.kind === 'topUp') {
      world.nowMs += step.elapsedMs;
      const call = world.open[step.which % Math.max(1, world.open.length)];
      if (call !== undefined) world.topUp(step.which, usedOf(call.reserved, step.usedPercent) ?? 0);
    }
    world.levels().forEach((level, at) => {
      expect(level).toBeLessThanOrEqual(world.trueLevels()[at] ?? 0);
    });
  }
}

/** The engine against the twins, at every step. */
function expectTwins(rules: readonly LimitRule[], steps: readonly Step[]): void {
  const world = new EngineWorld(rules);
  for (const step of steps) {
    pass(world, step);
    if (step.kind === 'reserve' && world.open.length < MAX_CLASSES) {
      expectExact(world, chosen(step.rules), step.amount);
    }
    expect(world.levels()).toEqual(world.trueLevels());
  }
}

function expectExact(world: EngineWorld, rules: readonly number[], amount: number): void {
  const before = world.levels();
  const expected = world.fits(rules, amount);
  const admitted = world.reserve(rules, amount);
  expect(admitted !== undefined).toBe(expected);
  // A refused call costs nothing in any bucket.
  if (admitted === undefined) expect(world.levels()).toEqual(before);
}

function expectBounded(
  rules: readonly LimitRule[],
  steps: readonly Step[],
  lateEnds: readonly number[],
): void {
  const world = new EngineWorld(rules);
  const meter = new Meter(world);
  for (const step of steps) {
    if (step.kind === 'wait') world.nowMs += step.elapsedMs;
    if (step.kind === 'settle') meter.settle(step.which, step.usedPercent);
    if (step.kind === 'reserve') meter.reserve(chosen(step.rules), step.amount);
  }
  // Those that hung until now are refunded, and everything that fits is admitted once more.
  for (const which of lateEnds) meter.settle(which, 0);
  for (let i = 0; i < 30; i++) meter.reserve([0, 1, 2, 3], 7);
  for (const [at, rule] of rules.entries()) meter.expectBound(rule, at);
}

function expectNoInfluence(
  enforced: readonly LimitRule[],
  shadow: readonly LimitRule[],
  steps: readonly Step[],
): void {
  const alone = new EngineWorld(enforced);
  const both = new EngineWorld([...enforced, ...shadow]);
  for (const step of steps) {
    for (const world of [alone, both]) pass(world, step);
    if (step.kind === 'reserve') {
      const withTwo = alone.reserve(chosen(step.rules, 2), step.amount);
      const withFour = both.reserve(chosen(step.rules), step.amount);
      expect(withFour === undefined).toBe(withTwo === undefined);
    }
    expect(both.levels().slice(0, 2)).toEqual(alone.levels());
  }
}

describe('a reservation', () => {
  it('is made exactly when every enforced bucket holds its cost, and charges all of them or none', () => {
    fc.assert(fc.property(fourRules(fc.boolean()), stepsOf(150), expectTwins), { numRuns: 500 });
  });

  it('never lets the calls of any interval cost more than burst + limit * t / window, whatever the order of settling', () => {
    fc.assert(fc.property(fourRules(fc.constant(false)), stepsOf(100), fc.array(fc.nat()), expectBounded), {
      numRuns: 400,
    });
  });

  it('of 100 calls that hang for a minute and are then refunded does not admit another 100', () => {
    const world = oneBucket(100, 100, 60_000);
    const admitted = () => Array.from({ length: 400 }, () => world.reserve([0], 1)).filter(Boolean).length;
    expect(admitted()).toBe(100);
    world.nowMs = 60_000;
    expect(admitted()).toBe(100);
    for (let i = 0; i < 100; i++) world.settle(0, 0);
    expect(admitted()).toBe(0);
  });

  it('clamps a guess to the bucket, so that only a known cost is too large', () => {
    const table = new BucketTable();
    const rule = createRule({ shape: { capacity: 10, limit: 1, windowMs: 1_000 }, unit: 'TotalTokens' });
    const slot = table.allocate(rule.shape, 10, 0);
    const chain = createChain([rule], [slot]);
    const engine = new Engine(table);
    expect(engine.reserve(chain, costOf({ TotalTokens: 11 }), 0).kind).toBe('too-large');
    expect(table.levelOf(slot)).toBe(10);
    expect(engine.reserve(chain, costOf({ TotalTokens: 11 }, { TotalTokens: 10 }), 0).kind).toBe('admitted');
    expect(table.levelOf(slot)).toBe(0);
    expect(engine.reserve(chain, costOf({ TotalTokens: 11 }, { TotalTokens: 10 }), 9_999).kind).toBe('short');
    expect(engine.reserve(chain, costOf({ TotalTokens: 11 }, { TotalTokens: 10 }), 10_000).kind).toBe(
      'admitted',
    );
  });

  it('reports every short bucket with what is missing and the least wait', () => {
    const world = new EngineWorld(
      [1_000, 2_000, 4_000].map((windowMs) =>
        createRule({ shape: { capacity: 10, limit: 10, windowMs }, unit: 'TotalTokens' }),
      ),
    );
    world.reserve([0, 1], 8);
    const chain = createChain(world.rules, world.slots);
    expect(world.engine.reserve(chain, costOf({ TotalTokens: 5 }), 0)).toEqual({
      kind: 'short',
      shortages: [
        { at: 0, slot: world.slots[0], amount: 5, missing: 3, waitMs: 300 },
        { at: 1, slot: world.slots[1], amount: 5, missing: 3, waitMs: 600 },
      ],
    });
  });
});

describe('a Shadow rule', () => {
  it('never refuses, is charged only when it would have admitted, and changes nothing for the others', () => {
    const twoRules = (shadow: boolean) =>
      fc.array(anyRule(fc.constant(shadow)), { minLength: 2, maxLength: 2 });
    fc.assert(fc.property(twoRules(false), twoRules(true), stepsOf(150), expectNoInfluence), {
      numRuns: 300,
    });
  });

  it('says which of them would have refused', () => {
    const shape = { capacity: 1, limit: 1, windowMs: 1_000 };
    const rules = [createRule({ shape }), createRule({ shape, shadow: true })];
    const table = new BucketTable();
    const chain = createChain(
      rules,
      rules.map((_, i) => table.allocate(shape, 1 - i, 0)),
    );
    expect(new Engine(table).reserve(chain, costOf({ Requests: 1 }), 0)).toMatchObject({
      kind: 'admitted',
      shadowed: [1],
    });
  });

  it('that was not charged keeps its bucket until the call has ended', () => {
    const shape = { capacity: 1, limit: 1, windowMs: 1_000 };
    const table = new BucketTable();
    const engine = new Engine(table);
    const slot = table.allocate(shape, 0, 0);
    const result = engine.reserve(
      createChain([createRule({ shape, shadow: true })], [slot]),
      costOf({ Requests: 1 }),
      0,
    );
    expect(table.isForgettable(slot, 1_000)).toBe(false);
    if (result.kind === 'admitted') engine.settle(result.reservation, amounts({ Requests: 1 }), 1_000);
    expect(table.isForgettable(slot, 1_000)).toBe(true);
    expect(table.levelOf(slot)).toBe(1);
  });
});

describe('settling', () => {
  it('ends every reservation exactly once, and a stale id changes nothing', () => {
    fc.assert(fc.property(stepsOf(150), fc.array(fc.nat(), { minLength: 1 }), expectEndedOnce), {
      numRuns: 300,
    });
  });

  it.each([-1, 0.5, 2 ** 20, Number.NaN, Number.POSITIVE_INFINITY])('knows no reservation %s', (id) => {
    const world = oneBucket(9, 1, 1);
    world.reserve([0], 3);
    expect(world.engine.settle(id, amounts({}), 0)).toBe(false);
    expect(world.levels()).toEqual([6]);
  });

  it('makes of what was used beyond the reservation a debt that is wholly repaid before the next admission', () => {
    const world = oneBucket(10, 10);
    world.reserve([0], 10);
    world.settle(0, 35);
    expect(world.levels()).toEqual([-25]);
    world.nowMs = 2_599;
    expect(world.reserve([0], 1)).toBeUndefined();
    world.nowMs = 2_600;
    expect(world.reserve([0], 1)).toBeDefined();
  });

  it.each([
    { used: -5, charged: 4 },
    { used: Number.NaN, charged: 4 },
    { used: 0, charged: 0 },
    { used: 2.5, charged: 3 },
    { used: Number.POSITIVE_INFINITY, charged: 1e15 },
  ])('of a reported $used charges $charged of the 4 that were reserved', ({ used, charged }) => {
    const world = oneBucket(10, 1);
    const call = world.reserve([0], 4);
    world.engine.settle(call?.id ?? -1, amounts({ TotalTokens: used }), 0);
    expect(world.levels()).toEqual([10 - charged]);
  });

  it('frees concurrency whatever was used, never exceeds the maximum and ends at nothing in use', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat()), expectGauge));
  });
});

describe('a top-up', () => {
  it('charges what a call has used beyond its reservation, once', () => {
    const world = oneBucket(10, 1);
    const call = world.reserve([0], 4);
    for (const [used, level] of [
      [3, 6],
      [7, 3],
      [7, 3],
      [12, -2],
    ] as const) {
      expect(world.engine.topUp(call?.id ?? -1, amounts({ TotalTokens: used }), 0)).toBe(true);
      expect(world.levels()).toEqual([level]);
    }
    world.engine.settle(call?.id ?? -1, amounts({ TotalTokens: 13 }), 0);
    expect(world.levels()).toEqual([-3]);
  });

  it('is given back as what was charged when it was made, and not from before', () => {
    fc.assert(fc.property(fourRules(fc.boolean()), flowingSteps, expectToppedUpTwins), { numRuns: 500 });
  });

  it('never lets a bucket hold more than the whole past gives, however often a call is topped up', () => {
    fc.assert(fc.property(fourRules(fc.constant(false)), flowingSteps, expectNeverAbove), { numRuns: 400 });
  });

  it('moves the deadline; without one a call is overdue after it, and only then', () => {
    const world = oneBucket(10, 1);
    const silent = world.reserve([0], 1);
    const flowing = world.reserve([0], 1);
    world.engine.topUp(flowing?.id ?? -1, amounts({}), 5);
    expect(world.engine.overdue(RESERVATION_DEADLINE_MS - 1)).toEqual([]);
    expect(world.engine.overdue(RESERVATION_DEADLINE_MS)).toEqual([silent?.id]);
    expect(world.engine.overdue(RESERVATION_DEADLINE_MS + 5)).toEqual([silent?.id, flowing?.id]);
  });
});
