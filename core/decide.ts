// One decision: admit, hold or refuse a call, in one synchronous step over all of its limits.

import type { Call } from './call.ts';
import type { CallCost } from './cost.ts';
import { BucketTable, type Slot } from './engine/bucket-table.ts';
import { type Chain, ChainCache } from './engine/chain.ts';
import { type Demand, Engine, type ReservationId } from './engine/engine.ts';
import { type HeldCall, HoldQueue, MAX_HELD } from './engine/hold-queue.ts';
import { type KeyBounds, KeyTable } from './engine/key-table.ts';
import { ServiceTime } from './engine/service-time.ts';
import { WaitLine } from './engine/wait-line.ts';
import type { LimitRule, PolicySet } from './policy/plan.ts';
import type { Refusal } from './refusal.ts';
import {
  refuseForbidden,
  refuseMissingPolicies,
  refuseTooLarge,
  refuseUnmetered,
  refuseUntil,
} from './refuse.ts';
import type { CostVector } from './unit.ts';

/** What can be said about a call's cost. */
export type Metering =
  /** Every unit is known: a parsed model call, or a call that costs no tokens and no dollars. */
  | 'complete'
  /** A model call whose model has no price: dollars are unknown. */
  | 'without-price'
  /** A paid route that we cannot read: tokens and dollars are unknown. */
  | 'unreadable';

/** One call to decide. */
export type DecideRequest = {
  readonly call: Call;
  readonly cost: CallCost;
  readonly metering: Metering;
  /** The longest hold that the client's own deadline allows, in milliseconds. */
  readonly maxHoldMs: number;
  /** Names the caller for its place in the line of the refused: the same caller, the same number. 32 bits. */
  callerHash(): number;
};

export type Decision =
  /** `shadowed`: Shadow rules that would have refused it. */
  | {
      readonly kind: 'admit';
      readonly reservation: ReservationId;
      readonly chain: Chain;
      readonly shadowed: readonly LimitRule[];
    }
  /** Decided later by `wake`, or given up by `giveUp`. */
  | { readonly kind: 'hold'; readonly held: HeldCall }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

/** A decision that needs no more waiting. */
export type FinalDecision = Exclude<Decision, { kind: 'hold' }>;

/** A held call and what became of it. */
export type Woken = { readonly held: HeldCall; readonly decision: FinalDecision };

/** How one limit stands for one key. */
export type Standing = {
  readonly rule: LimitRule;
  /** Whole units left; below 0 is debt. */
  readonly remaining: number;
  /** Whole percent of the bucket that is used. */
  readonly usedPercent: number;
  /** Milliseconds until the bucket is full again; 0 for concurrency. */
  readonly resetMs: number;
};

/** Bounds of a decider. */
export type DeciderBounds = KeyBounds & { readonly maxChains: number };

/** Subjects are compared by session, and by user where the session is the pod's. */
function subjectOf(call: Call): string {
  return `${call.agent}\n${call.user}\n${call.session}`;
}

/**
 * All limits of one process. Time is an argument: whole monotonic milliseconds. After every `settle`, and at
 * `nextWakeMs`, call `wake`.
 */
export class Decider {
  readonly #buckets = new BucketTable();
  readonly #keys: KeyTable;
  readonly #chains: ChainCache;
  readonly #engine: Engine;
  readonly #waits = new WaitLine();
  readonly #holds = new HoldQueue();
  readonly #serviceTime = new ServiceTime();
  #policySet: PolicySet | undefined;

  constructor(bounds: DeciderBounds) {
    this.#keys = new KeyTable(this.#buckets, bounds, {
      isPinned: (slot) => this.#holds.hasLine(slot),
      forget: (slot) => {
        this.#waits.forget(slot);
        this.#serviceTime.forget(slot);
      },
    });
    this.#chains = new ChainCache(this.#keys, bounds.maxChains);
    this.#engine = new Engine(this.#buckets);
  }

  /** The rules in force; undefined before the first `apply`. */
  get policySet(): PolicySet | undefined {
    return this.#policySet;
  }

  /** Counts for metrics. */
  get counts(): { reservations: number; held: number; keys: number; overflow: number } {
    return {
      reservations: this.#engine.openReservations,
      held: this.#holds.size,
      keys: this.#keys.size,
      overflow: this.#keys.overflowSize,
    };
  }

  /** Takes over a new policy set; what was used under unchanged limits stays used. */
  apply(policySet: PolicySet, nowMs: number): void {
    this.#keys.apply(policySet.rules, nowMs);
    this.#chains.apply(policySet);
    this.#policySet = policySet;
    for (const slot of this.#holds.slots()) this.#holds.tryAt(slot, nowMs);
  }

  /** Decides one call. Admitted calls must be settled exactly once. */
  decide(request: DecideRequest, nowMs: number): Decision {
    if (this.#policySet === undefined)
      return { kind: 'refuse', refusal: refuseMissingPolicies(request.callerHash()) };
    const chain = this.#chains.chainOf(request.call, nowMs);
    const forbidden = refuseForbidden(chain, request.cost) ?? refuseUnmetered(chain, request.metering);
    if (forbidden !== undefined) return { kind: 'refuse', refusal: forbidden };
    if (this.#holds.size > 0 && this.#isLined(chain)) {
      return this.#wait(request, chain, nowMs);
    }
    const result = this.#engine.reserve(chain, request.cost, nowMs);
    if (result.kind === 'admitted') return this.#admitted(chain, result.reservation, result.shadowed);
    if (result.kind === 'too-large')
      return { kind: 'refuse', refusal: refuseTooLarge(chain, result.shortages) };
    return this.#wait(request, chain, nowMs);
  }

  /** Decides held calls whose turn or whose deadline has come. */
  wake(nowMs: number): Woken[] {
    if (this.#holds.size === 0) return [];
    const woken: Woken[] = [];
    for (const slot of this.#holds.slots()) {
      if (this.#holds.isDue(slot, nowMs)) this.#serve(slot, nowMs, woken);
    }
    for (const held of this.#holds.expired(nowMs)) {
      this.#holds.leave(held);
      woken.push({ held, decision: this.#decideHeld(held, nowMs) });
    }
    return woken;
  }

  /** When `wake` has something to do at the latest; Infinity when nothing is held. */
  nextWakeMs(): number {
    return this.#holds.nextWakeMs();
  }

  /** A held call is no longer wanted. False if it was decided already. */
  giveUp(held: HeldCall): boolean {
    return this.#holds.leave(held);
  }

  /** Ends a reservation with what was used; undefined = as reserved. False if it had ended. */
  settle(reservation: ReservationId, actual: CostVector | undefined, nowMs: number): boolean {
    const chain = this.#engine.chainOf(reservation);
    const startedAtMs = this.#engine.startedAtMs(reservation);
    if (chain === undefined || startedAtMs === undefined) return false;
    for (const slot of chain.slots) {
      if (this.#buckets.isGauge(slot)) this.#serviceTime.learn(slot, nowMs - startedAtMs);
    }
    this.#engine.settle(reservation, actual, nowMs);
    if (this.#holds.size > 0) for (const slot of chain.slots) this.#holds.tryAt(slot, nowMs);
    return true;
  }

  /** What an open call has used so far, cumulative by unit; moves its deadline. */
  topUp(reservation: ReservationId, usedSoFar: CostVector, nowMs: number): boolean {
    return this.#engine.topUp(reservation, usedSoFar, nowMs);
  }

  /** Settles as reserved what has been open too long, and forgets what may be forgotten. Call it every few seconds. */
  sweep(nowMs: number): void {
    for (const reservation of this.#engine.overdue(nowMs)) this.settle(reservation, undefined, nowMs);
    this.#keys.sweep(nowMs);
    this.#waits.sweep(nowMs);
  }

  /** How the limits of this chain stand. */
  standings(chain: Chain, nowMs: number): Standing[] {
    return chain.rules.map((rule, i) => this.#standing(rule, chain.slots[i] as number, nowMs));
  }

  /** The limit of this chain of which the largest share is used, and its position; undefined where none applies. */
  tightest(chain: Chain, nowMs: number): { readonly at: number; readonly standing: Standing } | undefined {
    let at = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < chain.slots.length; i++) {
      const slot = chain.slots[i] as number;
      this.#buckets.refill(slot, nowMs);
      const share = this.#buckets.at(this.#buckets.level, slot) / this.#buckets.at(this.#buckets.capacity, slot);
      if (share < least) [at, least] = [i, share];
    }
    const rule = chain.rules[at];
    return rule === undefined ? undefined : { at, standing: this.#standing(rule, chain.slots[at] as number, nowMs) };
  }

  /** How every bucket of a rule stands, with the values of `rule.per`. Charges nothing. */
  *standingsByKey(rule: LimitRule, nowMs: number): Iterable<{ readonly key: readonly string[]; readonly standing: Standing }> {
    for (const { key, slot } of this.#keys.entriesOf(rule)) yield { key, standing: this.#standing(rule, slot, nowMs) };
  }

  #standing(rule: LimitRule, slot: Slot, nowMs: number): Standing {
    this.#buckets.refill(slot, nowMs);
    const capacity = this.#buckets.at(this.#buckets.capacity, slot);
    const remaining = this.#buckets.at(this.#buckets.level, slot);
    const usedPercent = capacity === 0 ? 100 : Math.floor((100 * (capacity - remaining)) / capacity);
    const resetMs = this.#buckets.isGauge(slot) ? 0 : this.#buckets.waitMs(slot, capacity);
    return { rule, remaining, usedPercent, resetMs };
  }

  #admitted(chain: Chain, reservation: ReservationId, shadowed: readonly number[]): FinalDecision {
    const rules = shadowed.flatMap((at) => chain.rules[at] ?? []);
    return { kind: 'admit', reservation, chain, shadowed: rules };
  }

  #isLined(chain: Chain): boolean {
    return chain.slots.some((slot, at) => !chain.rules[at]?.shadow && this.#holds.hasLine(slot));
  }

  /** Holds the call where that is allowed and short enough, refuses it otherwise. */
  #wait(request: DecideRequest, chain: Chain, nowMs: number): Decision {
    const waiting = this.#engine
      .demands(chain, request.cost, nowMs)
      .filter(({ slot, missing }) => missing > 0 || this.#holds.hasLine(slot));
    let binding: Demand | undefined;
    let waitMs = 0;
    let maxHoldMs = request.maxHoldMs;
    for (const shortage of waiting) {
      maxHoldMs = Math.min(maxHoldMs, chain.rules[shortage.at]?.maxWaitMs ?? 0);
      const waitHereMs = this.#waitHereMs(shortage);
      if (binding === undefined || waitHereMs > waitMs) [binding, waitMs] = [shortage, waitHereMs];
    }
    if (binding === undefined) throw new Error('a call that fits everywhere was told to wait');
    if (maxHoldMs > 0 && waitMs <= maxHoldMs && this.#holds.length(binding.slot) < MAX_HELD) {
      return this.#hold(request, binding, { waitMs, maxHoldMs }, nowMs);
    }
    return this.#refuse(request.callerHash(), chain, waiting, nowMs);
  }

  #hold(
    request: DecideRequest,
    binding: Demand,
    times: { readonly waitMs: number; readonly maxHoldMs: number },
    nowMs: number,
  ): Decision {
    const held: HeldCall = {
      call: request.call,
      cost: request.cost,
      subject: subjectOf(request.call),
      callerHash: request.callerHash(),
      joinedAtMs: nowMs,
      deadlineMs: nowMs + times.maxHoldMs,
    };
    const isFirst = !this.#holds.hasLine(binding.slot);
    this.#holds.join(binding.slot, held, binding.amount);
    if (isFirst) this.#holds.tryAt(binding.slot, this.#retryAtMs(binding, nowMs));
    return { kind: 'hold', held };
  }

  #refuse(callerHash: number, chain: Chain, shortages: readonly Demand[], nowMs: number): FinalDecision {
    const dues = shortages.map((shortage) => {
      const placeMs = this.#placeMs(shortage.slot, shortage.amount);
      const earliestMs = nowMs + this.#waitHereMs(shortage);
      return {
        shortage,
        dueMs: this.#waits.promise(shortage.slot, { callerHash, earliestMs, placeMs }, nowMs),
      };
    });
    dues.sort((a, b) => b.dueMs - a.dueMs);
    const waitMs = Math.max(1, (dues[0]?.dueMs ?? nowMs) - nowMs);
    return {
      kind: 'refuse',
      refusal: refuseUntil(
        chain,
        dues.map((due) => due.shortage),
        waitMs,
      ),
    };
  }

  /** Serves the head of a line as long as it fits. */
  #serve(slot: Slot, nowMs: number, woken: Woken[]): void {
    for (let held = this.#holds.head(slot); held !== undefined; held = this.#holds.head(slot)) {
      const chain = this.#chains.chainOf(held.call, nowMs);
      const result = this.#engine.reserve(chain, held.cost, nowMs);
      if (result.kind === 'short') {
        const binding = result.shortages.reduce((a, b) => (b.waitMs > a.waitMs ? b : a));
        if (binding.slot === slot) {
          this.#holds.tryAt(slot, this.#retryAtMs(binding, nowMs));
          return;
        }
        this.#move(held, binding, nowMs);
        continue;
      }
      this.#holds.leave(held);
      const decision: FinalDecision =
        result.kind === 'admitted'
          ? this.#admitted(chain, result.reservation, result.shadowed)
          : { kind: 'refuse', refusal: refuseTooLarge(chain, result.shortages) };
      woken.push({ held, decision });
    }
  }

  #move(held: HeldCall, binding: Demand, nowMs: number): void {
    this.#holds.leave(held);
    const isFirst = !this.#holds.hasLine(binding.slot);
    this.#holds.join(binding.slot, held, binding.amount);
    if (isFirst) this.#holds.tryAt(binding.slot, this.#retryAtMs(binding, nowMs));
  }

  /** The last word on a held call whose time is over: decided like a newcomer that may not be held. */
  #decideHeld(held: HeldCall, nowMs: number): FinalDecision {
    const request = { call: held.call, cost: held.cost, metering: 'complete', maxHoldMs: 0 } as const;
    const decision = this.decide({ ...request, callerHash: () => held.callerHash }, nowMs);
    if (decision.kind === 'hold') throw new Error('a call was held beyond its deadline');
    return decision;
  }

  /** When a newcomer could be served behind those who are held, if nobody else came. */
  #waitHereMs(shortage: Demand): number {
    if (this.#buckets.isGauge(shortage.slot)) {
      return this.#placeMs(shortage.slot, 1) * (this.#holds.length(shortage.slot) + 1);
    }
    return shortage.waitMs + this.#buckets.earningMs(shortage.slot, this.#holds.heldAmount(shortage.slot));
  }

  /** How long the bucket takes to earn one such call. */
  #placeMs(slot: Slot, amount: number): number {
    if (!this.#buckets.isGauge(slot)) return this.#buckets.earningMs(slot, amount);
    return Math.ceil(
      this.#serviceTime.ofMs(slot) / Math.max(1, this.#buckets.at(this.#buckets.capacity, slot)),
    );
  }

  /** A gauge changes only when a call ends; a token bucket at a known time. */
  #retryAtMs(binding: Demand, nowMs: number): number {
    return this.#buckets.isGauge(binding.slot) ? Number.POSITIVE_INFINITY : nowMs + binding.waitMs;
  }
}
