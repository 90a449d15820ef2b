// What does one decision over 12 buckets cost (3 levels x 4 units), and does anything of it stay in memory?
//
// The bare loop does the least that any limiter must do over the same number of buckets: refill in floating point,
// check all, charge all, on typed arrays, with no refunds, no reservation, no debt and no names. rate-limiter-flexible
// has one bucket in memory and no second limit to agree with. `reserve` is the decision itself, over a chain that is
// known; `decide` finds the chain too. Each runs in slices of a few milliseconds in turn; ratios are medians of the
// ratios of each round.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Call } from '../core/call.ts';
import { type CallCost, createModelCost, KNOWN_LEARNED, LEARNED } from '../core/cost.ts';
import { type DecideRequest, Decider } from '../core/decide.ts';
import { BucketTable } from '../core/engine/bucket-table.ts';
import type { Chain } from '../core/engine/chain.ts';
import { Engine, NOT_RESERVED, type ReservationId } from '../core/engine/engine.ts';
import type { LimitRule } from '../core/policy/plan.ts';
import { planPolicySet } from '../core/policy/plan.ts';
import type { Limit } from '../core/policy/policy.ts';
import { createCostVector, UNIT_INDEX, type Unit } from '../core/unit.ts';
import { printRatio, printTable } from './report.ts';
import { alternate } from './slices.ts';

const ROUNDS = 101;

/** Calls in flight at once: a slice admits so many, then settles them. */
const BATCH = 100;
const BATCHES = 150;

/** Calls within one millisecond of the decision clock: about as many as one core can forward. */
const CALLS_PER_MS = 25;

/** Wide enough that no call is refused: a refusal is another question. */
const WIDE = 1e12;
const WINDOW_MS = 60_000;
const INITIAL_BUCKETS = 256;

const LEVELS = [[], ['agent'], ['agent', 'user']] as const;
const METERED: readonly Unit[] = ['Requests', 'InputTokens', 'OutputTokens', 'TotalTokens'];

const ESTIMATE = {
  learned: { input: 900, output: 300 },
  strict: { input: 1_000, output: 1_000 },
  known: { input: 500, output: 0 },
  outputBounded: true,
};

/** Users that take turns: no call finds its buckets as constants in the code of the one before. */
const USERS = Array.from({ length: 8 }, (_, i) => `user-${i}`);

function toCall(user: string): Call {
  return {
    kind: 'LLM',
    tenant: 'agents',
    agent: 'reviewer',
    user,
    session: `session of ${user}`,
    tool: 'unknown',
    toolNames: [],
    model: 'gpt-4o-mini',
    upstream: 'openai',
    pod: 'pod-1',
  };
}

const cost: CallCost = createModelCost(ESTIMATE, undefined);
const used = createCostVector();
used[UNIT_INDEX.Requests] = 1;
used[UNIT_INDEX.InputTokens] = 800;
used[UNIT_INDEX.OutputTokens] = 250;
used[UNIT_INDEX.TotalTokens] = 1_050;

const RULES: readonly LimitRule[] = planPolicySet(
  [
    {
      namespace: 'agents',
      name: 'policy',
      matchLabels: {},
      mode: 'Enforce',
      restrictedTools: [],
      allowedTools: undefined,
      limits: LEVELS.flatMap((per) => METERED.map((unit) => toLimit(per, unit))),
    },
  ],
  {},
  1,
).rules;

function toLimit(per: Limit['per'], unit: Unit): Limit {
  const rate = { limit: WIDE, windowMs: WINDOW_MS, burst: WIDE };
  return {
    name: `${unit}-${per.join('-')}`,
    match: {},
    per,
    unit,
    bound: { kind: 'rates', rates: [rate] },
    reserve: 'Learned',
    onLimit: { kind: 'Deny' },
    warnAt: [],
    mode: 'Enforce',
  };
}

/** One contestant: `decide` is timed, and so is `settle` where there is one. */
type Contestant = {
  readonly name: string;
  /** Admits one call of this user (a position in USERS) at this time. */
  readonly decide: (nowMs: number, user: number) => number;
  /** Ends the call that `decide` returned this number for. */
  readonly settle?: (id: number, nowMs: number) => boolean;
  /** Is the time for settling counted? */
  readonly countsSettling?: boolean;
};

/** The chains of all users: the buckets of the first two levels are shared. */
function createChains(allocate: (rule: LimitRule) => number): Chain[] {
  const shared = RULES.slice(0, -METERED.length).map(allocate);
  return USERS.map(() => ({
    rules: RULES,
    slots: Int32Array.from([...shared, ...RULES.slice(-METERED.length).map(allocate)]),
    unitAt: Uint8Array.from(RULES, ({ unitIndex }) => unitIndex),
    chargeAt: Uint8Array.from(RULES, ({ unitIndex }) => LEARNED + unitIndex),
    knownAt: Uint8Array.from(RULES, ({ unitIndex }) => KNOWN_LEARNED + unitIndex),
    gauges: [],
    zeros: [],
    shadowZeros: [],
    forbiddenBy: undefined,
    shadowForbiddenBy: undefined,
  }));
}

function createReserver(name: string, countsSettling: boolean): Contestant {
  const buckets = new BucketTable();
  const chains = createChains(({ shape }) => buckets.allocate(shape, shape.capacity, 0));
  const engine = new Engine(buckets);
  return {
    name,
    countsSettling,
    decide: (nowMs, user) => {
      const reservation = engine.tryReserve(chains[user] as Chain, cost, nowMs);
      if (reservation === NOT_RESERVED) throw new Error('the limits are wide');
      return reservation;
    },
    settle: (id: ReservationId, nowMs) => engine.settle(id, used, nowMs),
  };
}

function createWholeDecision(name: string, countsSettling: boolean): Contestant {
  const decider = new Decider({ maxBuckets: 1_000, maxKeysPerAgent: 1_000, maxChains: 1_000 });
  decider.apply({ revision: 1, rules: RULES, tools: [] }, 0);
  const requests = USERS.map(
    (user): DecideRequest => ({
      call: toCall(user),
      cost,
      metering: 'complete',
      maxHoldMs: 0,
      callerHash: () => 1,
    }),
  );
  return {
    name,
    countsSettling,
    decide: (nowMs, user) => {
      const decision = decider.decide(requests[user] as DecideRequest, nowMs);
      if (decision.kind !== 'admit') throw new Error('the limits are wide');
      return decision.reservation;
    },
    settle: (id, nowMs) => decider.settle(id, used, nowMs),
  };
}

/** The arrays in an object and the buckets of a call as an argument, as in any limiter that has more than one key. */
class BareBuckets {
  readonly level = new Float64Array(INITIAL_BUCKETS).fill(WIDE);
  readonly capacity = new Float64Array(INITIAL_BUCKETS).fill(WIDE);
  readonly ratePerMs = new Float64Array(INITIAL_BUCKETS).fill(WIDE / WINDOW_MS);
  readonly updatedAtMs = new Float64Array(INITIAL_BUCKETS);

  take(slots: Int32Array, costAt: Uint8Array, nowMs: number): boolean {
    const { level, capacity, ratePerMs, updatedAtMs } = this;
    const count = slots.length;
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      const earned = (nowMs - (updatedAtMs[slot] as number)) * (ratePerMs[slot] as number);
      level[slot] = Math.min(capacity[slot] as number, (level[slot] as number) + earned);
      updatedAtMs[slot] = nowMs;
      if ((level[slot] as number) < (cost[costAt[i] as number] as number)) return false;
    }
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      level[slot] = (level[slot] as number) - (cost[costAt[i] as number] as number);
    }
    return true;
  }
}

function createBareLoop(): Contestant {
  const buckets = new BareBuckets();
  let slots = 0;
  const chains = createChains(() => slots++);
  return {
    name: 'bare loop',
    decide: (nowMs, user) => {
      const chain = chains[user] as Chain;
      return buckets.take(chain.slots, chain.chargeAt, nowMs) ? 0 : -1;
    },
  };
}

/** Nanoseconds a call over one slice. */
function timeSlice({ decide, settle, countsSettling }: Contestant, startMs: number): number {
  const ids = new Float64Array(BATCH);
  let elapsedNs = 0n;
  for (let batch = 0; batch < BATCHES; batch++) {
    const batchMs = startMs + (batch * BATCH) / CALLS_PER_MS;
    const startedNs = process.hrtime.bigint();
    for (let i = 0; i < BATCH; i++) {
      ids[i] = decide(batchMs + Math.floor(i / CALLS_PER_MS), i % USERS.length);
    }
    if (countsSettling !== true) elapsedNs += process.hrtime.bigint() - startedNs;
    const endMs = batchMs + BATCH / CALLS_PER_MS;
    if (settle !== undefined) for (let i = 0; i < BATCH; i++) settle(ids[i] as number, endMs);
    if (countsSettling === true) elapsedNs += process.hrtime.bigint() - startedNs;
  }
  return Number(elapsedNs) / (BATCH * BATCHES);
}

async function timeFlexible(): Promise<number> {
  const limiter = new RateLimiterMemory({ points: 1e12, duration: 60 });
  const startedNs = process.hrtime.bigint();
  for (let i = 0; i < BATCH * BATCHES; i++) await limiter.consume(USERS[i % USERS.length] ?? '', 1);
  const elapsedNs = process.hrtime.bigint() - startedNs;
  return Number(elapsedNs) / (BATCH * BATCHES);
}

/** Bytes of the heap that a million decisions leave behind, each. */
function survivingBytes(contestant: Contestant): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // What the flag exposes.
  timeSlice(contestant, 0);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let slice = 1; slice * BATCH * BATCHES <= 1_000_000; slice++)
    timeSlice(contestant, slice * BATCH * BATCHES);
  collect();
  return Math.max(0, process.memoryUsage().heapUsed - before) / 1_000_000;
}

const FLEXIBLE = 'rate-limiter-flexible, 1 bucket';
const bare = createBareLoop();
const reserve = createReserver('reserve', false);
const both = createReserver('reserve + settle', true);
const decide = createWholeDecision('decide', false);
const whole = createWholeDecision('decide + settle', true);

let startMs = 0;
const contestants = [bare, reserve, both, decide, whole, { name: FLEXIBLE }];
const slices = await alternate(contestants, ROUNDS, async (contestant) => {
  startMs += BATCH * BATCHES;
  return { ns: 'decide' in contestant ? timeSlice(contestant, startMs) : await timeFlexible() };
});

printTable(
  ['what', 'ns a call (median)', 'x bare loop'],
  contestants.map(({ name }) => [
    name,
    slices.median(name, 'ns').toFixed(0),
    slices.ratio(name, bare.name, 'ns').toFixed(2),
  ]),
);
const bytes = survivingBytes(whole);
console.log(`heap left by a million decisions: ${bytes.toFixed(3)} bytes each`);
printRatio('decision_vs_bare_loop', slices.ratio(reserve.name, bare.name, 'ns'));
printRatio('decision_and_settle_vs_bare_loop', slices.ratio(both.name, bare.name, 'ns'));
printRatio('decision_vs_rate_limiter_flexible', slices.ratio(decide.name, FLEXIBLE, 'ns'));
printRatio('decision_and_settle_vs_rate_limiter_flexible', slices.ratio(whole.name, FLEXIBLE, 'ns'));
printRatio('bytes_surviving_a_decision', bytes);
