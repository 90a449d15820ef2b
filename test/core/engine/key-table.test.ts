import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../core/call.ts';
import { BucketTable, type Slot } from '../../../core/engine/bucket-table.ts';
import { type KeyBounds, KeyTable } from '../../../core/engine/key-table.ts';
import type { LimitRule } from '../../../core/policy/plan.ts';
import { createCall, createRule } from '../sample-rules.ts';
import { expectIntervalBound } from './interval-bound.ts';
import { chargeMarked } from './marked-charge.ts';

const SHAPE = { capacity: 12, limit: 6, windowMs: 1_000 };

const BY_USER = createRule({ limit: 'user', shape: SHAPE, per: ['user'] });
const BY_AGENT = createRule({ limit: 'agent-user', shape: SHAPE, per: ['agent', 'user'] });
const RULES = [BY_USER, BY_AGENT, createRule({ limit: 'all', shape: SHAPE, per: [] })];

/** A key table whose pinned slots the test chooses. */
class KeyWorld {
  readonly buckets = new BucketTable();
  readonly pinned = new Set<Slot>();
  readonly forgotten: Slot[] = [];
  readonly reshaped: Slot[] = [];
  readonly keys: KeyTable;

  constructor(bounds: KeyBounds) {
    this.keys = new KeyTable(this.buckets, bounds, {
      isPinned: (slot) => this.pinned.has(slot),
      forget: (slot) => this.forgotten.push(slot),
      reshaped: (slot) => this.reshaped.push(slot),
    });
    this.keys.apply(RULES, 0);
  }

  level(slot: Slot, nowMs: number): number {
    this.buckets.refill(slot, nowMs);
    return this.buckets.levelOf(slot);
  }

  /** Charges the key's bucket if it holds the amount; the mark to close it with. */
  take(rule: LimitRule, call: Call, amount: number, nowMs: number): { slot: Slot; mark: number } | undefined {
    const slot = this.keys.slotOf(rule, call, nowMs);
    if (this.level(slot, nowMs) < amount) return undefined;
    return { slot, mark: chargeMarked(this.buckets, slot, amount) };
  }

  /** Bit n pins slot n; all others are free. */
  pin(rule: LimitRule, bits: number): void {
    this.pinned.clear();
    for (const slot of this.slots(rule)) if (((bits >> slot) & 1) === 1) this.pinned.add(slot);
  }

  slots(rule: LimitRule): Slot[] {
    return [...this.keys.entriesOf(rule)].map(({ slot }) => slot);
  }
}

/** What each key was admitted, and what it cost in the end. */
class KeyMeter {
  readonly #admitted = new Map<string, { readonly atMs: number; cost: number }[]>();

  add(key: string, atMs: number, cost: number): { cost: number } {
    const entry = { atMs, cost };
    this.#admitted.set(key, [...(this.#admitted.get(key) ?? []), entry]);
    return entry;
  }

  expectBound({ shape }: LimitRule): void {
    for (const calls of this.#admitted.values()) expectIntervalBound(shape, calls);
  }
}

type Step =
  | { readonly kind: 'wait'; readonly elapsedMs: number }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'take'; readonly agent: number; readonly user: number; readonly amount: number }
  | { readonly kind: 'close'; readonly which: number; readonly usedPercent: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      elapsedMs: fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 3_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'sweep' as const }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      agent: fc.nat({ max: 3 }),
      user: fc.nat({ max: 3 }),
      amount: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('close' as const),
      which: fc.nat(),
      usedPercent: fc.nat({ max: 100 }),
    }),
  },
);

const anyBounds = fc.record({
  maxBuckets: fc.integer({ min: 0, max: 8 }),
  maxKeysPerAgent: fc.integer({ min: 1, max: 3 }),
});

type OpenCharge = { readonly slot: Slot; readonly mark: number; readonly entry: { cost: number } };

function closeOne(
  world: KeyWorld,
  open: OpenCharge[],
  { which, usedPercent }: { which: number; usedPercent: number },
  nowMs: number,
): void {
  const [one] = open.splice(which % Math.max(1, open.length), 1);
  if (one === undefined) return;
  const used = Math.floor((one.entry.cost * usedPercent) / 100);
  world.buckets.refill(one.slot, nowMs);
  world.buckets.close(one.slot, one.mark, one.entry.cost, used);
  one.entry.cost = used;
}

function expectNoKeyLaxer(rule: LimitRule, bounds: KeyBounds, steps: readonly Step[]): void {
  const world = new KeyWorld(bounds);
  const meter = new KeyMeter();
  const open: OpenCharge[] = [];
  let nowMs = 0;
  for (const step of steps) {
    if (step.kind === 'wait') nowMs += step.elapsedMs;
    if (step.kind === 'sweep') world.keys.sweep(nowMs);
    if (step.kind === 'close') closeOne(world, open, step, nowMs);
    if (step.kind !== 'take') continue;
    const call = createCall({ agent: `a${step.agent}`, user: `u${step.user}` });
    const taken = world.take(rule, call, step.amount, nowMs);
    const key = rule.per.map((part) => call[part]).join('/');
    if (taken !== undefined) open.push({ ...taken, entry: meter.add(key, nowMs, step.amount) });
    expect(world.keys.size).toBeLessThanOrEqual(bounds.maxBuckets);
    expect(world.buckets.size).toBeLessThanOrEqual(
      bounds.maxBuckets + RULES.length * (bounds.maxKeysPerAgent + 1),
    );
  }
  meter.expectBound(rule);
}

function expectOnlyFullForgotten(bounds: KeyBounds, steps: readonly Step[], pins: readonly number[]): void {
  const world = new KeyWorld(bounds);
  const rule = BY_AGENT;
  const open: OpenCharge[] = [];
  let nowMs = 0;
  for (const [i, step] of steps.entries()) {
    if (step.kind === 'wait') nowMs += step.elapsedMs;
    if (step.kind === 'close') closeOne(world, open, step, nowMs);
    if (step.kind === 'take') {
      const call = createCall({ agent: `a${step.agent}`, user: `u${step.user}` });
      const taken = world.take(rule, call, step.amount, nowMs);
      if (taken !== undefined) open.push({ ...taken, entry: { cost: step.amount } });
    }
    nowMs += 1_000;
    world.pin(rule, pins[i % pins.length] ?? 0);
    expectSwept(world, rule, new Set(open.map(({ slot }) => slot)), nowMs);
  }
}

function expectSwept(world: KeyWorld, rule: LimitRule, open: ReadonlySet<Slot>, nowMs: number): void {
  const before = world.slots(rule);
  const { generation } = world.keys;
  const kept = before.filter(
    (slot) => world.pinned.has(slot) || open.has(slot) || world.level(slot, nowMs) < SHAPE.capacity,
  );
  world.keys.sweep(nowMs);
  expect(world.slots(rule)).toEqual(kept);
  expect(world.keys.generation > generation).toBe(kept.length < before.length);
}

describe('a table of keys', () => {
  it.each(RULES)('makes no key laxer, wherever its bucket moves: $limit', (rule) => {
    fc.assert(
      fc.property(anyBounds, fc.array(anyStep, { maxLength: 120 }), (bounds, steps) =>
        expectNoKeyLaxer(rule, bounds, steps),
      ),
      { numRuns: 300 },
    );
  });

  it('forgets exactly the full buckets without open reservations that nobody holds on to', () => {
    fc.assert(
      fc.property(
        anyBounds,
        fc.array(anyStep, { maxLength: 60 }),
        fc.array(fc.nat({ max: 255 }), { minLength: 1 }),
        expectOnlyFullForgotten,
      ),
      { numRuns: 300 },
    );
  });

  it('under a flood of 100,000 keys stays bounded, and the flood shares one bucket', () => {
    const bounds = { maxBuckets: 50, maxKeysPerAgent: 20 };
    const world = new KeyWorld(bounds);
    const rule = BY_AGENT;
    const victim = createCall({ agent: 'victim', user: 'u' });
    expect(world.take(rule, victim, 12, 0)).toBeDefined();
    let admitted = 0;
    for (let i = 0; i < 100_000; i++) {
      const call = createCall({ agent: 'attacker', user: `u${i}` });
      if (world.take(rule, call, 1, Math.floor(i / 100)) !== undefined) admitted += 1;
    }
    expect(world.buckets.size).toBeLessThanOrEqual(bounds.maxBuckets + 3 * (bounds.maxKeysPerAgent + 1));
    // 20 buckets of its own and the one that is shared, each with its burst and what it earned in a second.
    expect(admitted).toBeLessThanOrEqual(21 * (12 + 6));
    expect(world.take(rule, victim, 7, 1_000)).toBeUndefined();
    expect(world.take(rule, victim, 6, 1_000)).toBeDefined();
  });

  it('lets a flood of agents take nothing from a limit without agents', () => {
    const world = new KeyWorld({ maxBuckets: 5, maxKeysPerAgent: 2 });
    const rule = BY_USER;
    for (let i = 0; i < 5; i++) world.take(rule, createCall({ user: `full${i}`, agent: `x${i}` }), 1, 0);
    let admitted = 0;
    for (let i = 0; i < 1_000; i++) {
      if (world.take(rule, createCall({ user: 'u', agent: `a${i}` }), 1, 0) !== undefined) admitted += 1;
    }
    expect(admitted).toBe(SHAPE.capacity);
  });

  it('scans for room at most once a second', () => {
    const world = new KeyWorld({ maxBuckets: 1, maxKeysPerAgent: 5 });
    const rule = BY_AGENT;
    const first = world.keys.slotOf(rule, createCall({ user: 'u1' }), 0);
    const shared = world.keys.slotOf(rule, createCall({ user: 'u2' }), 0);
    expect(world.forgotten).toEqual([first]);
    expect(shared).not.toBe(world.keys.slotOf(rule, createCall({ user: 'u3' }), 999));
    expect(world.keys.size).toBe(1);
    world.keys.slotOf(rule, createCall({ user: 'u4' }), 1_000);
    expect(world.forgotten.length).toBeGreaterThan(1);
  });
});

describe('a new set of rules', () => {
  const rule = BY_USER;
  const bounds = { maxBuckets: 10, maxKeysPerAgent: 10 };
  const call = createCall({ user: 'u' });

  it('keeps what was used when numbers are edited, in own and in overflow buckets', () => {
    const world = new KeyWorld({ maxBuckets: 1, maxKeysPerAgent: 10 });
    const own = world.take(rule, call, 5, 0);
    const shared = world.take(rule, createCall({ user: 'v' }), 9, 0);
    world.keys.apply([{ ...rule, shape: { ...SHAPE, capacity: 100, limit: 1 } }], 0);
    expect(world.level(own?.slot ?? -1, 0)).toBe(95);
    expect(world.level(shared?.slot ?? -1, 0)).toBe(91);
    expect(world.reshaped.sort()).toEqual([own?.slot, shared?.slot].sort());
    world.keys.apply([{ ...rule, shape: { ...SHAPE, capacity: 3 } }], 0);
    expect(world.level(own?.slot ?? -1, 0)).toBe(-2);
  });

  it('leaves the buckets of unchanged rules alone', () => {
    const world = new KeyWorld(bounds);
    const taken = world.take(rule, call, 5, 0);
    world.keys.apply([{ ...rule, revision: 2 }], 0);
    expect(world.level(taken?.slot ?? -1, 0)).toBe(7);
    expect(world.reshaped).toEqual([]);
  });

  it('that drops a rule and brings it back finds what was used, until the bucket would be full', () => {
    const world = new KeyWorld(bounds);
    const taken = world.take(rule, call, 12, 0);
    world.buckets.close(taken?.slot ?? -1, taken?.mark ?? -1, 12, 12);
    world.keys.apply([], 0);
    world.keys.sweep(1_999);
    world.keys.apply(RULES, 1_999);
    expect(world.take(rule, call, 12, 1_999)).toBeUndefined();
    world.keys.apply([], 1_999);
    world.keys.sweep(4_000);
    expect(world.keys.size).toBe(0);
    expect(() => world.keys.slotOf(rule, call, 4_000)).toThrow('never applied');
  });

  it('makes whoever remembers slots resolve them anew', () => {
    const world = new KeyWorld(bounds);
    const before = world.keys.generation;
    world.keys.apply(RULES, 0);
    expect(world.keys.generation).toBeGreaterThan(before);
  });
});
