// One decision: admit, hold or refuse a call, in one synchronous step over all of its limits.

import type { CallCost } from './cost.ts';
import type { DecideRequest } from './decide-request.ts';
import { BucketTable } from './engine/bucket-table.ts';
import { type Chain, ChainCache } from './engine/chain.ts';
import { type Demand, Engine, NOT_RESERVED, type ReservationId } from './engine/engine.ts';
import type { HeldCall } from './engine/hold-queue.ts';
import { type KeyBounds, KeyTable } from './engine/key-table.ts';
import {
  type Attempt,
  type HeldAttempt,
  WaitingRoom,
  type Woken as WokenCall,
} from './engine/waiting-room.ts';
import type { LimitRule, PolicySet } from './policy/plan.ts';
import type { Mode } from './policy/policy.ts';
import type { Refusal } from './refusal.ts';
import {
  refuseForbidden,
  refuseMissingPolicies,
  refuseTooLarge,
  refuseUnmetered,
  refuseUntil,
} from './refuse.ts';
import { type KeyStanding, type Standing, Standings, type Warning } from './standing.ts';
import type { CostVector } from './unit.ts';

export type { Metering } from './cost.ts';
export type { DecideRequest } from './decide-request.ts';
export type { KeyStanding, Standing, Warning } from './standing.ts';

export type Decision =
  /** `shadow`: what Shadow policies would have refused it with; undefined when they would not. */
  | {
      readonly kind: 'admit';
      readonly reservation: ReservationId;
      readonly chain: Chain;
      readonly shadow: Refusal | undefined;
    }
  /** Decided later by `wake`, or given up by `giveUp`. */
  | { readonly kind: 'hold'; readonly held: HeldCall }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

/** A decision that needs no more waiting. */
export type FinalDecision = Exclude<Decision, { kind: 'hold' }>;

/** A held call and what became of it. */
export type Woken = WokenCall<FinalDecision>;

/** Bounds of a decider. */
export type DeciderBounds = KeyBounds & { readonly maxChains: number };

/**
 * All limits of one process. Time is an argument: whole monotonic milliseconds. Call `wake` at `nextWakeMs`, which
 * changes with every other call, and after every `settle`, `giveUp`, `sweep` and `apply`.
 */
export class Decider {
  readonly #buckets = new BucketTable();
  readonly #room = new WaitingRoom(this.#buckets);
  readonly #engine = new Engine(this.#buckets);
  readonly #keys: KeyTable;
  readonly #chains: ChainCache;
  readonly #standings = new Standings(this.#buckets);
  #policySet: PolicySet | undefined;

  constructor(bounds: DeciderBounds) {
    this.#keys = new KeyTable(this.#buckets, bounds, {
      isPinned: (slot) => this.#room.isPinned(slot),
      reshaped: (slot) => this.#room.reshaped(slot),
      forget: (slot) => {
        this.#room.forget(slot);
        this.#standings.forget(slot);
      },
    });
    this.#chains = new ChainCache(this.#keys, bounds.maxChains);
  }

  /** The rules in force; undefined before the first `apply`. */
  get policySet(): PolicySet | undefined {
    return this.#policySet;
  }

  /** Counts for metrics. */
  get counts(): { reservations: number; held: number; keys: number; overflow: number } {
    return {
      reservations: this.#engine.openReservations,
      held: this.#room.held,
      keys: this.#keys.size,
      overflow: this.#keys.overflowSize,
    };
  }

  /** Takes over a new policy set; what was used under unchanged limits stays used. */
  apply(policySet: PolicySet, nowMs: number): void {
    this.#keys.apply(policySet.rules, nowMs);
    this.#chains.apply(policySet);
    this.#policySet = policySet;
    this.#room.tryAll(nowMs);
  }

  /** Decides one call. Admitted calls must be settled exactly once. */
  decide(request: DecideRequest, nowMs: number): Decision {
    if (this.#policySet === undefined)
      return { kind: 'refuse', refusal: refuseMissingPolicies(request.callerHash()) };
    const chain = this.#chains.chainOf(request.call, nowMs);
    const tried = this.#attempt(request, chain, nowMs);
    if (tried.kind === 'final') return tried.final;
    const waiting = this.#room.wait(request, chain, tried.shortages, nowMs);
    if (waiting.kind === 'hold') return waiting;
    return { kind: 'refuse', refusal: refuseUntil(chain, waiting.shortages, waiting.waitMs) };
  }

  /** Decides held calls whose turn or whose deadline has come. */
  wake(nowMs: number): Woken[] {
    if (this.#room.held === 0) return [];
    return this.#room.wake(
      (held) => this.#tryHeld(held, nowMs),
      (held) => this.#lastWord(held, nowMs),
      nowMs,
    );
  }

  /** When `wake` has something to do at the latest; Infinity when nothing is held. */
  nextWakeMs(): number {
    return this.#room.nextWakeMs();
  }

  /** A held call is no longer wanted. False if it was decided already. */
  giveUp(held: HeldCall): boolean {
    return this.#room.giveUp(held);
  }

  /** Ends a reservation with what was used; undefined = as reserved. False if it had ended. */
  settle(reservation: ReservationId, actual: CostVector | undefined, nowMs: number): boolean {
    const chain = this.#engine.chainOf(reservation);
    const startedAtMs = this.#engine.startedAtMs(reservation);
    if (chain === undefined || startedAtMs === undefined) return false;
    this.#engine.settle(reservation, actual, nowMs);
    this.#room.ended(chain, nowMs - startedAtMs, nowMs);
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
    this.#room.sweep(nowMs);
  }

  /** How the limits of this chain stand. */
  standings(chain: Chain, nowMs: number): Standing[] {
    return chain.rules.map((rule, i) => this.#standings.of(rule, chain.slots[i] as number, nowMs));
  }

  /** The limit of this chain of which the largest share is used, and its position; undefined where none applies. */
  tightest(chain: Chain, nowMs: number): { readonly at: number; readonly standing: Standing } | undefined {
    return this.#standings.tightest(chain, nowMs);
  }

  /** The limits of an admitted call that have newly reached a band of their `warnAt`. Each band once. */
  warnings(chain: Chain, nowMs: number): Warning[] {
    return this.#standings.warnings(chain, nowMs);
  }

  /** How every bucket of a rule stands, with the values of `rule.per`. Charges nothing. */
  *standingsByKey(rule: LimitRule, nowMs: number): Iterable<KeyStanding> {
    for (const { key, slot, isOverflow } of this.#keys.entriesOf(rule))
      yield { key, standing: this.#standings.of(rule, slot, nowMs), isOverflow };
  }

  /** Decides a newcomer as far as that is possible without waiting. */
  #attempt(request: DecideRequest, chain: Chain, nowMs: number): Attempt<FinalDecision> {
    if (!this.#room.isAheadOf(chain, request.cost)) return this.#reserve(request, chain, nowMs);
    const refusal = refuseForGood(request, chain, 'Enforce');
    if (refusal !== undefined) return { kind: 'final', final: { kind: 'refuse', refusal } };
    const demands = this.#engine.demands(chain, request.cost, nowMs);
    return demands.kind === 'short' ? demands : { kind: 'final', final: tooLarge(chain, demands.shortages) };
  }

  /** Reserves unless the call can never be admitted. */
  #reserve(request: DecideRequest, chain: Chain, nowMs: number): Attempt<FinalDecision> {
    const refusal = refuseForGood(request, chain, 'Enforce');
    if (refusal !== undefined) return { kind: 'final', final: { kind: 'refuse', refusal } };
    const atOnce = this.#engine.tryReserve(chain, request.cost, nowMs);
    if (atOnce !== NOT_RESERVED) return this.#admitted(request, chain, atOnce, undefined);
    const result = this.#engine.reserve(chain, request.cost, nowMs);
    switch (result.kind) {
      case 'short':
        return result;
      case 'too-large':
        return { kind: 'final', final: tooLarge(chain, result.shortages) };
      case 'admitted': {
        const shadow = this.#refuseShadowed(request.cost, chain, result.shadowed, nowMs);
        return this.#admitted(request, chain, result.reservation, shadow);
      }
    }
  }

  /** `shadow`: what Shadow rules would have refused by their levels. */
  #admitted(
    request: DecideRequest,
    chain: Chain,
    reservation: ReservationId,
    shadow: Refusal | undefined,
  ): Attempt<FinalDecision> {
    this.#room.admitted(chain, request);
    const final = {
      kind: 'admit',
      reservation,
      chain,
      shadow: refuseForGood(request, chain, 'Shadow') ?? shadow,
    } as const;
    return { kind: 'final', final };
  }

  /** What the Shadow rules at these positions would have said. They were not charged: their levels are as they were. */
  #refuseShadowed(
    cost: CallCost,
    chain: Chain,
    shadowed: readonly number[],
    nowMs: number,
  ): Refusal | undefined {
    if (shadowed.length === 0) return undefined;
    const { kind, shortages } = this.#engine.demandsAt(chain, cost, shadowed, nowMs);
    if (kind === 'too-large') return refuseTooLarge(chain, shortages);
    const waits = shortages.map((demand) => ({ ...demand, waitMs: this.#room.leastWaitMs(demand) }));
    waits.sort((a, b) => b.waitMs - a.waitMs);
    return refuseUntil(chain, waits, waits[0]?.waitMs ?? 0);
  }

  /** A held call once more. Policies and levels have moved on: it may be short of what its limit does not hold for. */
  #tryHeld(held: HeldCall, nowMs: number): HeldAttempt<FinalDecision> {
    const chain = this.#chains.chainOf(held.call, nowMs);
    const tried = this.#reserve(asRequest(held), chain, nowMs);
    const isHoldable = (demand: Demand): boolean => (chain.rules[demand.at]?.maxWaitMs ?? 0) > 0;
    return tried.kind === 'short' && !tried.shortages.every(isHoldable) ? { kind: 'unholdable' } : tried;
  }

  /** A held call whose time is over is decided like a newcomer that may not be held. */
  #lastWord(held: HeldCall, nowMs: number): FinalDecision {
    const decision = this.decide(asRequest(held), nowMs);
    if (decision.kind === 'hold') throw new Error('a call was held beyond its deadline');
    return decision;
  }
}

/** A held call once more, as one that may not be held. */
function asRequest({ call, cost, metering, callerHash }: HeldCall): DecideRequest {
  return { call, cost, metering, maxHoldMs: 0, callerHash: () => callerHash };
}

function refuseForGood(
  { cost, metering }: Pick<DecideRequest, 'cost' | 'metering'>,
  chain: Chain,
  mode: Mode,
): Refusal | undefined {
  return refuseForbidden(chain, cost, mode) ?? refuseUnmetered(chain, metering, mode);
}

function tooLarge(chain: Chain, shortages: readonly Demand[]): FinalDecision {
  return { kind: 'refuse', refusal: refuseTooLarge(chain, shortages) };
}
