import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../core/call.ts';
import { Decider, type FinalDecision } from '../../core/decide.ts';
import { RESERVATION_DEADLINE_MS } from '../../core/engine/engine.ts';
import { MAX_HELD } from '../../core/engine/hold-queue.ts';
import type { LimitRule, PolicySet } from '../../core/policy/plan.ts';
import { admittedOf, createDecider, tokenRequest, waitOf } from './obedient-callers.ts';
import { amounts, costOf, createCall, createRule, createToolRule } from './sample-rules.ts';

const MINUTE = { capacity: 10, limit: 10, windowMs: 60_000 };

function admitted(decider: Decider, amount: number, nowMs: number, call: Partial<Call> = {}): number {
  const decision = decider.decide(tokenRequest(amount, 0, { call: createCall(call) }), nowMs);
  return admittedOf(decision).reservation;
}

describe('a decision', () => {
  it('before any policies is UNAVAILABLE, with a wait between 1 and 5 s that is the caller’s own', () => {
    const decider = new Decider({ maxBuckets: 10, maxKeysPerAgent: 10, maxChains: 10 });
    const waits = [0, 2 ** 31, 2 ** 32 - 1].map((hash) => {
      const decision = decider.decide(tokenRequest(1, hash), 0);
      expect(decision).toMatchObject({ refusal: { class: 'UNAVAILABLE', reason: 'POLICIES_MISSING' } });
      return waitOf(decision);
    });
    expect(waits).toEqual([1_000, 3_000, 4_999]);
  });

  it('without matching limits is admit', () => {
    const decider = createDecider([]);
    expect(decider.decide(tokenRequest(1e15, 0), 0)).toMatchObject({ kind: 'admit', shadow: undefined });
  });

  it('under several policies charges all of them or none', () => {
    const rules = [
      createRule({ limit: 'cluster', unit: 'TotalTokens', shape: { ...MINUTE, capacity: 100 } }),
      createRule({ limit: 'user', unit: 'TotalTokens', per: ['user'], shape: MINUTE }),
    ];
    const decider = createDecider(rules);
    admitted(decider, 8, 0, { user: 'u' });
    expect(decider.decide(tokenRequest(5, 0, { call: createCall({ user: 'u' }) }), 0)).toMatchObject({
      kind: 'refuse',
      refusal: { violations: [{ limit: 'user', remaining: 2, requested: 5, quota: 10, windowSeconds: 60 }] },
    });
    const remaining = rules.flatMap((rule) =>
      [...decider.standingsByKey(rule, 0)].map(({ standing }) => standing.remaining),
    );
    expect(remaining).toEqual([92, 2]);
  });

  it('names the limit first that must be waited for longest', () => {
    const decider = createDecider([
      createRule({ limit: 'short', unit: 'TotalTokens', shape: { ...MINUTE, windowMs: 1_000 } }),
      createRule({ limit: 'long', unit: 'Requests', shape: { capacity: 1, limit: 1, windowMs: 60_000 } }),
    ]);
    admitted(decider, 10, 0);
    expect(decider.decide(tokenRequest(10, 0), 0)).toMatchObject({
      refusal: {
        reason: 'REQUEST_RATE_EXCEEDED',
        waitMs: 60_000,
        violations: [{ limit: 'long' }, { limit: 'short' }],
      },
    });
  });

  it.each([
    { name: 'delete_file', set: createToolRule({ restricted: ['delete_*'] }), kind: 'refuse' },
    { name: 'search', set: createToolRule({ restricted: ['delete_*'] }), kind: 'admit' },
    { name: 'search', set: createToolRule({ allowed: ['mail'] }), kind: 'refuse' },
    { name: 'delete_file', set: createToolRule({ restricted: ['delete_*'], shadow: true }), kind: 'admit' },
  ])('about the tool $name is $kind', ({ name, set, kind }) => {
    const decider = createDecider([], [set]);
    const call = createCall({ kind: 'HTTP', tool: name, toolNames: [name] });
    const decision = decider.decide(tokenRequest(0, 0, { call }), 0);
    expect(decision.kind).toBe(kind);
    if (decision.kind === 'refuse') {
      expect(decision.refusal).toMatchObject({ class: 'FORBIDDEN', reason: 'TOOL_RESTRICTED', waitMs: 0 });
    }
  });

  it.each([
    { unit: 'TotalTokens', shadow: false, metering: 'unreadable', reason: 'ROUTE_NOT_METERED' },
    { unit: 'USD', shadow: false, metering: 'unreadable', reason: 'ROUTE_NOT_METERED' },
    { unit: 'USD', shadow: false, metering: 'without-price', reason: 'MODEL_WITHOUT_PRICE' },
    { unit: 'TotalTokens', shadow: false, metering: 'without-price', reason: undefined },
    { unit: 'Requests', shadow: false, metering: 'unreadable', reason: undefined },
    { unit: 'USD', shadow: true, metering: 'unreadable', reason: undefined },
    { unit: 'USD', shadow: false, metering: 'complete', reason: undefined },
  ] as const)('under $unit (Shadow $shadow) about a call that is $metering: $reason', (given) => {
    const { unit, shadow, metering, reason } = given;
    const decider = createDecider([createRule({ unit, shadow, shape: MINUTE })]);
    const decision = decider.decide(tokenRequest(1, 0, { metering }), 0);
    expect(decision.kind === 'refuse' ? decision.refusal.reason : undefined).toBe(reason);
  });

  it('under a limit of 0 forbids exactly what costs its unit', () => {
    const decider = createDecider([
      createRule({ unit: 'ToolCalls', shape: { capacity: 0, limit: 0, windowMs: 60_000 } }),
    ]);
    const request = (ToolCalls: number) => ({
      ...tokenRequest(0, 0),
      cost: costOf({ Requests: 1, ToolCalls }),
    });
    expect(decider.decide(request(0), 0).kind).toBe('admit');
    expect(decider.decide(request(1), 0)).toMatchObject({
      refusal: { class: 'FORBIDDEN', reason: 'LIMIT_IS_ZERO', violations: [{ requested: 1, remaining: 0 }] },
    });
  });

  it.each([
    { of: 'a level', what: {}, cost: 5 },
    { of: 'a call too large', what: {}, cost: 11 },
    { of: 'a wait of hours', what: { shape: { capacity: 10, limit: 1, windowMs: 3_600_000 } }, cost: 5 },
    { of: 'a limit of 0', what: { shape: { capacity: 0, limit: 0, windowMs: 60_000 } }, cost: 5 },
    {
      of: 'a limit of 0 with a burst',
      what: { shape: { capacity: 9, limit: 0, windowMs: 60_000 } },
      cost: 1,
    },
    { of: 'an unreadable route', what: {}, cost: 0, metering: 'unreadable' },
    { of: 'a model without a price', what: { unit: 'USD' }, cost: 0, metering: 'without-price' },
  ] as const)('because of $of has the same class, reason and limit under Shadow', (row) => {
    const rule = { unit: 'TotalTokens', shape: MINUTE, ...row.what } as const;
    const decide = (shadow: boolean): ReturnType<Decider['decide']> => {
      const decider = createDecider([createRule({ ...rule, shadow })]);
      if (row.of === 'a level' || row.of === 'a wait of hours') admitted(decider, 10, 0);
      const metering = 'metering' in row ? row.metering : 'complete';
      return decider.decide({ ...tokenRequest(row.cost, 0), metering }, 0);
    };
    const [trial, enforced] = [decide(true), decide(false)];
    if (trial.kind !== 'admit' || enforced.kind !== 'refuse') throw new Error('one admits, one refuses');
    const { class: denyClass, reason, violations } = enforced.refusal;
    expect(trial.shadow).toMatchObject({ class: denyClass, reason, violations });
  });

  it('names the Shadow rules that would have refused', () => {
    const shadow = createRule({ limit: 'shadow', unit: 'TotalTokens', shape: MINUTE, shadow: true });
    const decider = createDecider([shadow]);
    admitted(decider, 10, 0);
    expect(decider.decide(tokenRequest(1, 0), 0)).toMatchObject({
      kind: 'admit',
      shadow: {
        class: 'THROTTLED',
        waitMs: 6_000,
        violations: [{ limit: 'shadow', requested: 1, remaining: 0 }],
      },
    });
  });

  it('about concurrency announces a place in the line: its position times the mean time of a call', () => {
    const decider = createDecider([
      createRule({ unit: 'Concurrency', shape: { capacity: 2, limit: 0, windowMs: 0 } }),
    ]);
    for (let i = 0; i < 20; i++) decider.settle(admitted(decider, 0, i * 400), undefined, (i + 1) * 400);
    for (let i = 0; i < 2; i++) admitted(decider, 0, 8_000);
    const waits = [0, 1, 2].map((hash) => waitOf(decider.decide(tokenRequest(0, hash), 8_000)) ?? 0);
    // 400 ms for a call, two at a time: one place is 200 ms.
    expect(waits[0]).toBe(200);
    for (const [position, waitMs] of waits.entries()) {
      expect(waitMs).toBeGreaterThanOrEqual(200 * (position + 1));
      expect(waitMs).toBeLessThanOrEqual(1.25 * 200 * (position + 1));
    }
  });
});

describe('a settlement', () => {
  it('happens once', () => {
    const decider = createDecider([createRule({ unit: 'TotalTokens', shape: MINUTE })]);
    const reservation = admitted(decider, 10, 0);
    expect(decider.settle(reservation, amounts({ TotalTokens: 4 }), 0)).toBe(true);
    expect(decider.settle(reservation, amounts({}), 0)).toBe(false);
    admitted(decider, 6, 0);
    expect(decider.decide(tokenRequest(1, 0), 0).kind).toBe('refuse');
  });

  it('of what nobody settled charges as reserved at its deadline, never before', () => {
    const rule = createRule({ unit: 'TotalTokens', shape: { ...MINUTE, windowMs: 744 * 3_600_000 } });
    const decider = createDecider([rule]);
    const reservation = admitted(decider, 10, 0);
    decider.sweep(RESERVATION_DEADLINE_MS - 1);
    expect(decider.counts.reservations).toBe(1);
    decider.sweep(RESERVATION_DEADLINE_MS);
    expect(decider.counts.reservations).toBe(0);
    expect(decider.settle(reservation, amounts({}), RESERVATION_DEADLINE_MS)).toBe(false);
    expect(decider.decide(tokenRequest(1, 0), RESERVATION_DEADLINE_MS).kind).toBe('refuse');
  });

  it('of a call under an older policy set reaches the buckets that it charged', () => {
    const rule = createRule({ unit: 'TotalTokens', shape: MINUTE });
    const decider = createDecider([rule]);
    const reservation = admitted(decider, 10, 0);
    decider.apply({ revision: 2, rules: [], tools: [] }, 1);
    decider.sweep(2_000);
    decider.apply({ revision: 3, rules: [rule], tools: [] }, 3_000);
    expect(decider.decide(tokenRequest(10, 0), 3_000).kind).toBe('refuse');
    decider.settle(reservation, amounts({}), 3_000);
    expect(decider.decide(tokenRequest(10, 0), 3_000).kind).toBe('admit');
  });
});

describe('standings', () => {
  const rule = createRule({ unit: 'TotalTokens', per: ['user'], shape: MINUTE, warnAt: [50, 80] });

  it('say what is left, how much is used and when it is full again', () => {
    const decider = createDecider([rule]);
    const decision = admittedOf(decider.decide(tokenRequest(4, 0), 0));
    expect(decider.standings(decision.chain, 6_000)).toEqual([
      { rule, remaining: 7, usedPercent: 30, resetMs: 18_000 },
    ]);
    decider.settle(decision.reservation, amounts({ TotalTokens: 16 }), 6_000);
    expect([...decider.standingsByKey(rule, 6_000)]).toEqual([
      {
        key: ['unknown'],
        standing: { rule, remaining: -5, usedPercent: 150, resetMs: 90_000 },
        isOverflow: false,
      },
    ]);
  });

  it('find the limit with the least room', () => {
    const decider = createDecider([
      createRule({ limit: 'wide', unit: 'TotalTokens', shape: { ...MINUTE, capacity: 100 } }),
      createRule({ limit: 'tight', unit: 'TotalTokens', shape: MINUTE }),
    ]);
    const decision = admittedOf(decider.decide(tokenRequest(5, 0), 0));
    expect(decider.tightest(decision.chain, 0)).toMatchObject({
      at: 1,
      standing: { remaining: 5, usedPercent: 50 },
    });
  });

  it('warn once for each band, again after the bucket has recovered, and anew for a new bucket', () => {
    const decider = createDecider([rule]);
    const warned = (amount: number, nowMs: number, user: string): number[] => {
      const asked = tokenRequest(amount, 0, { call: createCall({ user }) });
      const decision = admittedOf(decider.decide(asked, nowMs));
      const bands = decider.warnings(decision.chain, nowMs).map(({ band }) => band);
      decider.settle(decision.reservation, undefined, nowMs);
      return bands;
    };
    expect([4, 1, 1, 3, 1].map((amount) => warned(amount, 0, 'u'))).toEqual([[], [50], [], [80], []]);
    expect(warned(1, 45_000, 'u')).toEqual([]);
    expect(warned(2, 45_000, 'u')).toEqual([50]);
    expect(warned(3, 45_000, 'u')).toEqual([80]);
    // The bucket is full again, forgotten, and its slot goes to another key.
    decider.sweep(200_000);
    expect(decider.counts.keys).toBe(0);
    expect(warned(8, 200_000, 'v')).toEqual([80]);
  });
});

// ---- A random life: policies, calls, settlements, time; in the end nothing may be left over.

type Moment =
  | { readonly kind: 'call'; readonly user: number; readonly amount: number; readonly maxHoldMs: number }
  | { readonly kind: 'settle'; readonly which: number; readonly used: number }
  | { readonly kind: 'wait'; readonly elapsedMs: number }
  | { readonly kind: 'apply'; readonly set: number };

const LIVES: readonly PolicySet[] = [
  [
    createRule({
      limit: 'calls',
      unit: 'Concurrency',
      shape: { capacity: 3, limit: 0, windowMs: 0 },
      maxWaitMs: 3_000,
    }),
    createRule({
      limit: 'tokens',
      unit: 'TotalTokens',
      per: ['user'],
      shape: { capacity: 20, limit: 20, windowMs: 1_000 },
      maxWaitMs: 2_000,
    }),
  ],
  [
    createRule({
      limit: 'calls',
      unit: 'Concurrency',
      shape: { capacity: 1, limit: 0, windowMs: 0 },
      maxWaitMs: 3_000,
    }),
    createRule({
      limit: 'tokens',
      unit: 'TotalTokens',
      per: ['user'],
      shape: { capacity: 50, limit: 5, windowMs: 1_000 },
    }),
    createRule({
      limit: 'all',
      unit: 'Requests',
      shape: { capacity: 5, limit: 50, windowMs: 10_000 },
      maxWaitMs: 1_000,
    }),
  ],
  [
    createRule({
      limit: 'calls',
      unit: 'Concurrency',
      per: ['user'],
      shape: { capacity: 2, limit: 0, windowMs: 0 },
    }),
  ],
].map((rules: LimitRule[], at) => ({ revision: at + 1, rules, tools: [] }));

const anyMoment: fc.Arbitrary<Moment> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      user: fc.nat({ max: 5 }),
      amount: fc.nat({ max: 20 }),
      maxHoldMs: fc.constantFrom(0, 60_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(),
      used: fc.nat({ max: 30 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), elapsedMs: fc.nat({ max: 2_500 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('apply' as const), set: fc.nat({ max: 2 }) }) },
);

/** A decider whose calls are counted: every one of them must end. */
class Life {
  readonly decider = new Decider({ maxBuckets: 6, maxKeysPerAgent: 3, maxChains: 4 });
  readonly open: number[] = [];
  readonly #ids = new Set<number>();
  calls = 0;
  refused = 0;
  nowMs = 0;

  live(moment: Moment): void {
    if (moment.kind === 'apply') this.decider.apply(LIVES[moment.set] as PolicySet, this.nowMs);
    if (moment.kind === 'wait') this.nowMs += moment.elapsedMs;
    if (moment.kind === 'settle') this.#settle(moment.which, moment.used);
    if (moment.kind === 'call') this.#call(moment);
    this.wake();
    const { reservations, held } = this.decider.counts;
    expect(reservations).toBe(this.open.length);
    expect(this.calls).toBe(this.#ids.size + this.refused + held);
    expect(held).toBeLessThanOrEqual(MAX_HELD);
    this.#expectGauges();
  }

  wake(): void {
    for (const { decision } of this.decider.wake(this.nowMs)) this.#decided(decision);
  }

  #call({ user, amount, maxHoldMs }: Extract<Moment, { kind: 'call' }>): void {
    this.calls += 1;
    const call = createCall({ user: `u${user}`, session: `s${user}` });
    const decision = this.decider.decide(tokenRequest(amount, user, { call, maxHoldMs }), this.nowMs);
    if (decision.kind !== 'hold') this.#decided(decision);
  }

  #decided(decision: FinalDecision): void {
    if (decision.kind === 'refuse') this.refused += 1;
    else {
      expect(this.#ids.has(decision.reservation)).toBe(false);
      this.#ids.add(decision.reservation);
      this.open.push(decision.reservation);
    }
  }

  #settle(which: number, used: number): void {
    const [id] = this.open.splice(which % Math.max(1, this.open.length), 1);
    if (id === undefined) return;
    expect(this.decider.settle(id, amounts({ Requests: 1, TotalTokens: used }), this.nowMs)).toBe(true);
    expect(this.decider.settle(id, amounts({}), this.nowMs)).toBe(false);
  }

  /** Concurrency in use is never above the maximum, unless the maximum was lowered below what was in use already. */
  #expectGauges(): void {
    const rules = this.decider.policySet?.rules.filter(({ unit }) => unit === 'Concurrency') ?? [];
    for (const rule of rules) {
      for (const { standing } of this.decider.standingsByKey(rule, this.nowMs)) {
        expect(rule.shape.capacity - standing.remaining).toBeLessThanOrEqual(
          Math.max(rule.shape.capacity, 3),
        );
      }
    }
  }
}

function expectNothingLeft(moments: readonly Moment[]): void {
  const life = new Life();
  life.decider.apply(LIVES[0] as PolicySet, 0);
  for (const moment of moments) life.live(moment);
  while (life.open.length > 0 || life.decider.counts.held > 0) {
    life.live({ kind: 'settle', which: 0, used: 1 });
    life.live({ kind: 'wait', elapsedMs: 500 });
  }
  for (const rule of life.decider.policySet?.rules ?? []) {
    if (rule.unit !== 'Concurrency') continue;
    for (const { standing } of life.decider.standingsByKey(rule, life.nowMs)) {
      expect(standing.remaining).toBe(rule.shape.capacity);
    }
  }
  life.decider.sweep(life.nowMs + 10_000_000);
  expect(life.decider.counts).toEqual({ reservations: 0, held: 0, keys: 0, overflow: 0 });
}

describe('a decider', () => {
  it('decides every call once, keeps every reservation until it is settled, and in the end holds nothing', () => {
    fc.assert(fc.property(fc.array(anyMoment, { maxLength: 100 }), expectNothingLeft), { numRuns: 300 });
  });
});
