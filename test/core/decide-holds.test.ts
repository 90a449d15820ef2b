import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decider, Decision, FinalDecision, Metering } from '../../core/decide.ts';
import type { HeldCall } from '../../core/engine/hold-queue.ts';
import { MAX_HELD } from '../../core/engine/hold-queue.ts';
import type { LimitRule, ToolRule } from '../../core/policy/plan.ts';
import { DumbBucket, type DumbCall } from './engine/dumb-bucket.ts';
import { DumbFairQueue } from './engine/dumb-fair-queue.ts';
import { admittedOf, createDecider, tokenRequest } from './obedient-callers.ts';
import { amounts, costOf, createCall, createRule, createToolRule } from './sample-rules.ts';

const HOLD = { unit: 'TotalTokens', maxWaitMs: 2_000 } as const;
const SHAPE = { capacity: 10, limit: 10, windowMs: 1_000 };
/** Ten tokens a second, for which calls are held up to two seconds. */
const RULE = createRule({ ...HOLD, shape: SHAPE });

const request = (amount: number, subject = 's', maxHoldMs = 60_000) =>
  tokenRequest(amount, 0, { call: createCall({ session: subject }), maxHoldMs });

function heldOf(decision: Decision): HeldCall {
  if (decision.kind !== 'hold') throw new Error(`not held but ${decision.kind}`);
  return decision.held;
}

/** What `wake` says at this time, as kinds in order. */
const kinds = (decider: Decider, nowMs: number): string[] =>
  decider.wake(nowMs).map(({ decision }) => decision.kind);

// ---- Random conversations over one bucket, against a dumb bucket and a dumb queue.

type Step =
  | { readonly kind: 'wait'; readonly elapsedMs: number }
  | { readonly kind: 'call'; readonly subject: number; readonly amount: number; readonly maxHoldMs: number }
  | { readonly kind: 'settle'; readonly which: number; readonly usedPercent: number }
  | { readonly kind: 'giveUp'; readonly which: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), elapsedMs: fc.nat({ max: 900 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      subject: fc.nat({ max: 3 }),
      amount: fc.integer({ min: 1, max: 20 }),
      maxHoldMs: fc.constantFrom(0, 500, 1_500, 60_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(),
      usedPercent: fc.nat({ max: 130 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('giveUp' as const), which: fc.nat() }) },
);

/** A decider with one bucket whose calls are held, its twins, and a clock that stops at every `nextWakeMs`. */
class Conversation {
  readonly decider: Decider;
  readonly bucket: DumbBucket;
  readonly queue = new DumbFairQueue();
  readonly held = new Map<HeldCall, number>();
  readonly #open: { readonly id: number; readonly call: DumbCall }[] = [];
  nowMs = 0;

  constructor(rule: LimitRule) {
    this.decider = createDecider([rule]);
    this.bucket = new DumbBucket(rule.shape, rule.shape.capacity, 0);
  }

  do(step: Step): void {
    if (step.kind === 'wait') this.#wait(step.elapsedMs);
    if (step.kind === 'call') this.#call(step);
    if (step.kind === 'settle') this.#settle(step.which, step.usedPercent);
    if (step.kind === 'giveUp') this.#giveUp(step.which);
    this.#wake();
  }

  /** Time passes until nobody is held any more. */
  finish(): void {
    while (this.held.size > 0) this.#wait(this.decider.nextWakeMs() - this.nowMs);
  }

  #wait(elapsedMs: number): void {
    const untilMs = this.nowMs + Math.max(0, elapsedMs);
    while (this.decider.nextWakeMs() < untilMs) {
      this.nowMs = Math.max(this.nowMs, this.decider.nextWakeMs());
      this.#wake();
    }
    this.nowMs = untilMs;
    this.#wake();
  }

  #call({ subject, amount, maxHoldMs }: Extract<Step, { kind: 'call' }>): void {
    const decision = this.decider.decide(request(amount, `s${subject}`, maxHoldMs), this.nowMs);
    // A newcomer passes exactly when nobody is held and the bucket holds its cost.
    const fits = this.held.size === 0 && this.bucket.level(this.nowMs) >= amount;
    expect(decision.kind === 'admit').toBe(fits);
    if (decision.kind === 'hold') {
      expect(decision.held.deadlineMs).toBe(this.nowMs + Math.min(maxHoldMs, 2_000));
      this.held.set(decision.held, amount);
      this.queue.join(decision.held, amount);
    } else this.#decided(decision, amount);
  }

  #decided(decision: FinalDecision, amount: number): void {
    if (decision.kind !== 'admit') return;
    expect(this.bucket.level(this.nowMs)).toBeGreaterThanOrEqual(amount);
    this.#open.push({ id: decision.reservation, call: this.bucket.charge(amount, this.nowMs) });
  }

  #settle(which: number, usedPercent: number): void {
    const [one] = this.#open.splice(which % Math.max(1, this.#open.length), 1);
    if (one === undefined) return;
    const used = Math.floor((one.call.reserved * usedPercent) / 100);
    this.decider.settle(one.id, amounts({ TotalTokens: used }), this.nowMs);
    this.bucket.settle(one.call, used, this.nowMs);
  }

  #giveUp(which: number): void {
    const gone = [...this.held.keys()][which % Math.max(1, this.held.size)];
    if (gone === undefined) return;
    expect(this.decider.giveUp(gone)).toBe(true);
    expect(this.decider.giveUp(gone)).toBe(false);
    this.#left(gone);
  }

  #left(held: HeldCall): number {
    const amount = this.held.get(held);
    if (amount === undefined) throw new Error('decided twice, or after it gave up');
    this.held.delete(held);
    this.queue.leave(held);
    return amount;
  }

  #wake(): void {
    for (const { held, decision } of this.decider.wake(this.nowMs)) {
      if (decision.kind === 'admit') expect(held).toBe(this.queue.order()[0]);
      else expect(held.deadlineMs).toBeLessThanOrEqual(this.nowMs);
      this.#decided(decision, this.#left(held));
    }
    const head = this.queue.order()[0];
    if (head === undefined) return;
    // Nobody waits longer than it must: whoever is at the head now does not fit yet.
    expect(this.bucket.level(this.nowMs)).toBeLessThan(this.held.get(head) ?? 0);
    for (const held of this.held.keys()) expect(held.deadlineMs).toBeGreaterThan(this.nowMs);
  }
}

function expectConversation(shape: { capacity: number; limit: number }, steps: readonly Step[]): void {
  const conversation = new Conversation(createRule({ ...HOLD, shape: { ...shape, windowMs: 1_000 } }));
  for (const step of steps) conversation.do(step);
  conversation.finish();
  expect(conversation.decider.counts.held).toBe(0);
  expect(conversation.decider.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
}

function expectDeadlines(
  steps: readonly { rules: readonly Parameters<typeof createRule>[0][]; elapsedMs: number; amount: number }[],
): void {
  const decider = createDecider([]);
  const held = new Set<HeldCall>();
  let nowMs = 0;
  for (const [revision, { rules, elapsedMs, amount }] of steps.entries()) {
    nowMs += elapsedMs;
    const byId = new Map(
      rules.map((given) => createRule({ unit: 'TotalTokens', ...given })).map((rule) => [rule.id, rule]),
    );
    decider.apply({ revision, rules: [...byId.values()], tools: [] }, nowMs);
    for (const woken of decider.wake(nowMs)) expect(held.delete(woken.held)).toBe(true);
    const decision = decider.decide(request(amount, `s${revision}`, 5_000), nowMs);
    if (decision.kind === 'hold') held.add(decision.held);
    for (const one of held) expect(one.deadlineMs).toBeGreaterThan(nowMs);
  }
  for (const woken of decider.wake(nowMs + 5_000)) held.delete(woken.held);
  expect(held.size).toBe(0);
  expect(decider.counts.held).toBe(0);
}

describe('held calls', () => {
  it('are served in fair order as soon as the head fits, before any newcomer, and none beyond its deadline', () => {
    fc.assert(
      fc.property(
        fc.record({ capacity: fc.integer({ min: 20, max: 40 }), limit: fc.integer({ min: 1, max: 60 }) }),
        fc.array(anyStep, { maxLength: 80 }),
        expectConversation,
      ),
      { numRuns: 500 },
    );
  });

  const oneAtATime = createRule({
    unit: 'Concurrency',
    maxWaitMs: 5_000,
    shape: { capacity: 1, limit: 0, windowMs: 0 },
  });

  it('take over a freed concurrency slot in the same step: no newcomer gets in between', () => {
    const decider = createDecider([oneAtATime]);
    const first = admittedOf(decider.decide(request(1), 0));
    const held = heldOf(decider.decide(request(1), 10));
    decider.settle(first.reservation, undefined, 20);
    expect(decider.decide(request(1), 20).kind).toBe('hold');
    expect(decider.nextWakeMs()).toBeLessThanOrEqual(20);
    const woken = decider.wake(20);
    expect(woken.map((one) => [one.held === held, one.decision.kind])).toEqual([[true, 'admit']]);
  });

  it('are tried again when a reservation is settled at its deadline', () => {
    const decider = createDecider([{ ...oneAtATime, maxWaitMs: 60_000 }]);
    decider.decide(request(1), 0);
    decider.decide(request(1), 15 * 60_000 - 1);
    decider.sweep(15 * 60_000);
    expect(kinds(decider, 15 * 60_000)).toEqual(['admit']);
  });

  it('behind one whose deadline has come are tried in the same step', () => {
    const decider = createDecider([RULE]);
    const first = admittedOf(decider.decide(request(10), 0));
    heldOf(decider.decide(request(10), 0));
    heldOf(decider.decide(request(1), 500));
    // The first call used more than it reserved: the big one cannot be served in time, the small one can.
    decider.topUp(first.reservation, amounts({ TotalTokens: 21 }), 500);
    expect(kinds(decider, 1_000)).toEqual([]);
    expect(kinds(decider, 2_000)).toEqual(['refuse', 'admit']);
  });

  it('wait for the bucket that is short last, wherever they began', () => {
    const rules = [createRule({ ...HOLD, limit: 'tokens', shape: SHAPE }), { ...oneAtATime, limit: 'calls' }];
    const decider = createDecider(rules);
    const first = admittedOf(decider.decide(request(10), 0));
    const held = heldOf(decider.decide(request(10), 0));
    expect(kinds(decider, 1_000)).toEqual([]);
    decider.settle(first.reservation, undefined, 1_500);
    expect(decider.wake(1_500).map((one) => [one.held === held, one.decision.kind])).toEqual([
      [true, 'admit'],
    ]);
  });

  it('let a call pass that costs the bucket nothing', () => {
    const decider = createDecider([RULE, createRule({ limit: 'all', shape: SHAPE })]);
    decider.decide(request(10), 0);
    decider.decide(request(10), 0);
    expect(decider.counts.held).toBe(1);
    expect(decider.decide({ ...request(0), cost: costOf({ Requests: 1 }) }, 0).kind).toBe('admit');
  });

  it('do not turn a call that can never fit into one that waits', () => {
    const decider = createDecider([RULE]);
    decider.decide(request(10), 0);
    decider.decide(request(10), 0);
    expect(decider.decide(request(11), 0)).toMatchObject({
      kind: 'refuse',
      refusal: { class: 'TOO_LARGE', waitMs: 0, violations: [{ requested: 11, maxPerCall: 10 }] },
    });
  });

  it('give way to nobody under Shadow rules, which hold no one', () => {
    const decider = createDecider([{ ...RULE, shadow: true }]);
    for (let i = 0; i < 3; i++) expect(decider.decide(request(10), 0).kind).toBe('admit');
  });
});

describe('a call is held', () => {
  it.each([
    { amount: 10, maxHoldMs: 1_000, kind: 'hold' },
    { amount: 10, maxHoldMs: 999, kind: 'refuse' },
    { amount: 10, maxHoldMs: 0, kind: 'refuse' },
  ])('when its wait fits what its client allows: $maxHoldMs', ({ amount, maxHoldMs, kind }) => {
    const decider = createDecider([RULE]);
    decider.decide(request(10), 0);
    expect(decider.decide(request(amount, 's', maxHoldMs), 0).kind).toBe(kind);
  });

  it('only when every limit that it waits for holds calls', () => {
    const denying = createRule({ limit: 'deny', unit: 'TotalTokens', shape: SHAPE });
    const decider = createDecider([RULE, denying]);
    decider.decide(request(10), 0);
    expect(decider.decide(request(1), 0).kind).toBe('refuse');
    const holding = createDecider([RULE, { ...denying, shape: { ...SHAPE, capacity: 100 } }]);
    holding.decide(request(10), 0);
    expect(holding.decide(request(1), 0).kind).toBe('hold');
  });

  it('behind those who are held: what they will take counts', () => {
    const decider = createDecider([RULE]);
    decider.decide(request(10), 0);
    expect(decider.decide(request(10), 0).kind).toBe('hold');
    expect(decider.decide(request(10), 0).kind).toBe('hold');
    expect(decider.decide(request(1), 0)).toMatchObject({ kind: 'refuse', refusal: { waitMs: 2_100 } });
  });

  it('while its line has room', () => {
    const decider = createDecider([
      createRule({ ...HOLD, maxWaitMs: 60_000, shape: { capacity: 1, limit: 1_000, windowMs: 1_000 } }),
    ]);
    decider.decide(request(1), 0);
    for (let i = 0; i < MAX_HELD; i++) expect(decider.decide(request(1, `s${i}`), 0).kind).toBe('hold');
    expect(decider.decide(request(1), 0).kind).toBe('refuse');
    expect(decider.counts.held).toBe(MAX_HELD);
  });
});

describe('a held call under new policies', () => {
  function hold(): Decider {
    const decider = createDecider([RULE]);
    decider.decide(request(10), 0);
    heldOf(decider.decide(request(10), 0));
    return decider;
  }

  it('passes at once when its limit is gone', () => {
    const decider = hold();
    decider.apply({ revision: 2, rules: [], tools: [] }, 1);
    expect(decider.nextWakeMs()).toBeLessThanOrEqual(1);
    expect(kinds(decider, 1)).toEqual(['admit']);
  });

  it('passes at once when its limit has become wide enough', () => {
    const decider = hold();
    decider.apply({ revision: 2, rules: [{ ...RULE, shape: { ...SHAPE, capacity: 20 } }], tools: [] }, 1);
    expect(kinds(decider, 1)).toEqual(['admit']);
  });

  const requests = createRule({ maxWaitMs: 2_000, shape: { capacity: 1, limit: 1, windowMs: 1_000 } });
  const tokens = (limit: number, capacity: number) =>
    createRule({ limit: 'tokens', unit: 'TotalTokens', shape: { capacity, limit, windowMs: 1_000 } });

  type Change = {
    readonly what: string;
    readonly reason: string;
    readonly metering?: Metering;
    readonly rules?: readonly LimitRule[];
    readonly tools?: readonly ToolRule[];
  };

  it.each<Change>([
    {
      what: 'a restricted tool',
      reason: 'TOOL_RESTRICTED',
      tools: [createToolRule({ revision: 2, restricted: ['mail'] })],
    },
    { what: 'a limit of nothing', reason: 'LIMIT_IS_ZERO', rules: [tokens(0, 0)] },
    {
      what: 'a limit on what cannot be read',
      reason: 'ROUTE_NOT_METERED',
      metering: 'unreadable',
      rules: [tokens(5, 100)],
    },
    { what: 'a burst that it exceeds', reason: 'REQUEST_EXCEEDS_LIMIT', rules: [tokens(5, 8)] },
  ])('is refused by $what, as a newcomer would be', ({
    reason,
    metering = 'complete',
    rules = [],
    tools = [],
  }) => {
    const call = createCall({ kind: 'HTTP', tool: 'mail', toolNames: ['mail'] });
    const decider = createDecider([requests]);
    decider.decide({ ...request(9), call, metering }, 0);
    heldOf(decider.decide({ ...request(9), call, metering }, 0));
    decider.apply({ revision: 2, rules: [requests, ...rules], tools }, 500);
    expect(decider.wake(500)).toMatchObject([{ decision: { kind: 'refuse', refusal: { reason } } }]);
    expect(decider.counts.held).toBe(0);
  });

  it('is refused when it has become short of a limit that does not hold', () => {
    const decider = hold();
    const denying = createRule({
      limit: 'deny',
      unit: 'TotalTokens',
      shape: { capacity: 30, limit: 1, windowMs: 1_000 },
    });
    decider.apply({ revision: 2, rules: [RULE, denying], tools: [] }, 0);
    expect(kinds(decider, 0)).toEqual([]);
    decider.apply({ revision: 3, rules: [denying], tools: [] }, 0);
    const wide = { ...RULE, shape: { ...SHAPE, capacity: 1_000 } };
    decider.decide(request(25, 'other'), 0);
    decider.apply({ revision: 4, rules: [wide, denying], tools: [] }, 0);
    expect(decider.counts.held).toBe(1);
    expect(kinds(decider, 0)).toEqual(['refuse']);
  });

  it('never waits beyond its deadline, whatever the policies become', () => {
    const shapes = fc.record({
      capacity: fc.integer({ min: 0, max: 30 }),
      limit: fc.integer({ min: 0, max: 30 }),
      windowMs: fc.constantFrom(1_000, 60_000),
    });
    const anyRules = fc.array(
      fc.record({
        limit: fc.constantFrom('a', 'b'),
        shape: shapes,
        maxWaitMs: fc.constantFrom(0, 2_000),
        shadow: fc.boolean(),
      }),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ rules: anyRules, elapsedMs: fc.nat({ max: 700 }), amount: fc.nat({ max: 20 }) }),
          {
            minLength: 1,
            maxLength: 30,
          },
        ),
        expectDeadlines,
      ),
      { numRuns: 300 },
    );
  });
});

describe('a held call that has become short of a limit which does not hold', () => {
  it('is refused at its turn, not held on', () => {
    const decider = createDecider([
      createRule({
        limit: 'holds',
        unit: 'Requests',
        per: ['user'],
        shape: { capacity: 1, limit: 60, windowMs: 60_000 },
        maxWaitMs: 10_000,
      }),
      createRule({
        limit: 'denies',
        unit: 'TotalTokens',
        shape: { capacity: 10, limit: 10, windowMs: 600_000 },
        maxWaitMs: 0,
      }),
    ]);
    const ask = (user: string, tokens: number) =>
      decider.decide(tokenRequest(tokens, 1, { call: createCall({ user }), maxHoldMs: 60_000 }), 0);
    expect([ask('u', 1).kind, ask('u', 5).kind, ask('v', 9).kind]).toEqual(['admit', 'hold', 'admit']);
    const [woken] = decider.wake(1_000);
    expect(woken?.decision).toMatchObject({ kind: 'refuse', refusal: { violations: [{ limit: 'denies' }] } });
    expect(decider.counts.held).toBe(0);
  });
});
