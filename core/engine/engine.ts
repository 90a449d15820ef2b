// Admission and settlement over a chain of buckets: every bucket is checked before any is charged, in one synchronous
// step, and every reservation ends exactly once.

import { type CallCost, toAmount } from '../cost.ts';
import type { CostVector } from '../unit.ts';
import type { BucketTable, Slot } from './bucket-table.ts';
import type { Chain } from './chain.ts';

/** Names one open reservation. A number that is used once: a stale one settles nothing. */
export type ReservationId = number;

/**
 * What a call asks of one bucket. Of the buckets that it does not fit (`missing > 0`) it says enough to ask an owner
 * for just the missing credit and then reserve again.
 */
export type Demand = {
  /** Position in the chain. */
  readonly at: number;
  readonly slot: Slot;
  /** Units the call would have charged. */
  readonly amount: number;
  /** Units that are missing now; 0 or less when the call fits. */
  readonly missing: number;
  /** Least wait in milliseconds after which this bucket holds the amount if nobody takes from it; Infinity for never. */
  readonly waitMs: number;
};

/** All that a call asks of its buckets. */
export type Demands =
  | { readonly kind: 'short'; readonly shortages: readonly Demand[] }
  | { readonly kind: 'too-large'; readonly shortages: readonly Demand[] };

/**
 * - admitted: all enforced buckets were charged; `shadowed` holds the positions of Shadow rules that would have refused
 *   (they were not charged).
 * - short: nothing was charged anywhere.
 * - too-large: the known cost of the call exceeds a bucket's size, so no wait helps.
 */
export type ReserveResult =
  | { readonly kind: 'admitted'; readonly reservation: ReservationId; readonly shadowed: readonly number[] }
  | Demands;

/** Unsettled reservations are charged as reserved after this long without news: quota.md section 1. */
export const RESERVATION_DEADLINE_MS = 15 * 60_000;

/** Room for 2^20 open reservations, the rest of a safe integer for how often a place was used. */
const PLACES = 2 ** 20;

/** The amount recorded for a Shadow rule that was not charged. The reservation still keeps its bucket alive. */
const NOT_CHARGED = -1;

const NONE: readonly number[] = [];

type OpenReservation = {
  id: ReservationId;
  chain: Chain | undefined;
  amounts: Float64Array;
  marks: Float64Array;
  startedAtMs: number;
  deadlineMs: number;
};

/** Reserves and settles. Holds no policy: the chain says which buckets and in which strength. */
export class Engine {
  readonly #buckets: BucketTable;
  readonly #reservations: OpenReservation[] = [];
  readonly #freePlaces: number[] = [];

  constructor(buckets: BucketTable) {
    this.#buckets = buckets;
  }

  /** Reservations that are not settled yet. */
  get openReservations(): number {
    return this.#reservations.length - this.#freePlaces.length;
  }

  /**
   * Charges every bucket of the chain or none. A guess is clamped to the bucket's size, so only a known cost can be
   * too large. Costs of 0 pass whatever the level.
   */
  reserve(chain: Chain, cost: CallCost, nowMs: number): ReserveResult {
    const buckets = this.#buckets;
    const { slots, rules, chargeAt } = chain;
    let shadowed: number[] | undefined;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      buckets.refill(slot, nowMs);
      const charge = cost[chargeAt[i] as number] as number;
      const level = buckets.level[slot] as number;
      if (charge <= level || charge === 0) continue;
      // Past the fast path: the guess may still be clamped to the bucket's size.
      if (this.#amount(chain, cost, i) <= level && !this.#isTooLarge(chain, cost, i)) continue;
      if (!rules[i]?.shadow) return this.#refuse(chain, cost, nowMs);
      shadowed ??= [];
      shadowed.push(i);
    }
    return {
      kind: 'admitted',
      reservation: this.#admit(chain, cost, nowMs, shadowed),
      shadowed: shadowed ?? NONE,
    };
  }

  /**
   * Ends a reservation with what the call really used, by unit; undefined = as reserved. Exactly once: a second settle
   * of the same reservation returns false and does nothing. Less than reserved is given back as far as the bucket
   * would still hold it; more is charged into debt. A used amount that is below 0 or not a number counts as reserved.
   * Concurrency is always released.
   */
  settle(reservation: ReservationId, actual: CostVector | undefined, nowMs: number): boolean {
    const open = this.#find(reservation);
    if (open?.chain === undefined) return false;
    const { slots, rules } = open.chain;
    for (let i = 0; i < slots.length; i++) {
      const reserved = open.amounts[i] as number;
      const slot = slots[i] as number;
      if (reserved === NOT_CHARGED) {
        this.#buckets.close(slot, open.marks[i] as number, 0);
        continue;
      }
      const used = this.#buckets.isGauge(slot) ? 0 : usedOf(actual, rules[i]?.unitIndex, reserved);
      this.#buckets.refill(slot, nowMs);
      if (used > reserved) this.#buckets.chargeMore(slot, used - reserved);
      this.#buckets.close(slot, open.marks[i] as number, Math.max(0, reserved - used));
    }
    this.#forget(open);
    return true;
  }

  /**
   * Bytes are flowing: the deadline moves, and where the call has already used more than it reserved the difference is
   * charged now. `usedSoFar` is cumulative by unit. False if the reservation had ended.
   */
  topUp(reservation: ReservationId, usedSoFar: CostVector, nowMs: number): boolean {
    const open = this.#find(reservation);
    if (open?.chain === undefined) return false;
    open.deadlineMs = nowMs + RESERVATION_DEADLINE_MS;
    const { slots, rules } = open.chain;
    for (let i = 0; i < slots.length; i++) {
      const amount = open.amounts[i] as number;
      const slot = slots[i] as number;
      if (amount === NOT_CHARGED || this.#buckets.isGauge(slot)) continue;
      const used = usedOf(usedSoFar, rules[i]?.unitIndex, amount);
      if (used <= amount) continue;
      this.#buckets.refill(slot, nowMs);
      this.#buckets.chargeMore(slot, used - amount);
      open.amounts[i] = used;
    }
    return true;
  }

  /**
   * What the call asks of each enforced bucket that it costs anything, charging nothing; too-large when its known cost
   * exceeds the size of one of them. Of such a bucket it asks the known cost, otherwise what it would be charged.
   */
  demands(chain: Chain, cost: CallCost, nowMs: number): Demands {
    const shortages: Demand[] = [];
    let kind: Demands['kind'] = 'short';
    for (let i = 0; i < chain.slots.length; i++) {
      if (chain.rules[i]?.shadow) continue;
      const slot = chain.slots[i] as number;
      this.#buckets.refill(slot, nowMs);
      const isTooLarge = this.#isTooLarge(chain, cost, i);
      if (isTooLarge) kind = 'too-large';
      const amount = isTooLarge ? (cost[chain.knownAt[i] as number] as number) : this.#amount(chain, cost, i);
      if (amount === 0) continue;
      const missing = amount - (this.#buckets.level[slot] as number);
      shortages.push({ at: i, slot, amount, missing, waitMs: this.#buckets.waitMs(slot, amount) });
    }
    return { kind, shortages };
  }

  /** The buckets a reservation holds, for whoever must be told that they changed; empty if it has ended. */
  chainOf(reservation: ReservationId): Chain | undefined {
    return this.#find(reservation)?.chain;
  }

  /** When the reservation was made; undefined if it has ended. */
  startedAtMs(reservation: ReservationId): number | undefined {
    return this.#find(reservation)?.startedAtMs;
  }

  /** Reservations whose deadline has passed; the caller settles them as reserved. */
  overdue(nowMs: number): ReservationId[] {
    return this.#reservations
      .filter((open) => open.chain !== undefined && open.deadlineMs <= nowMs)
      .map((open) => open.id);
  }

  #amount(chain: Chain, cost: CallCost, at: number): number {
    const slot = chain.slots[at] as number;
    return Math.min(cost[chain.chargeAt[at] as number] as number, this.#buckets.capacity[slot] as number);
  }

  #isTooLarge(chain: Chain, cost: CallCost, at: number): boolean {
    const slot = chain.slots[at] as number;
    return (cost[chain.knownAt[at] as number] as number) > (this.#buckets.capacity[slot] as number);
  }

  #admit(
    chain: Chain,
    cost: CallCost,
    nowMs: number,
    shadowed: readonly number[] | undefined,
  ): ReservationId {
    const open = this.#place();
    const { slots } = chain;
    if (open.amounts.length < slots.length) {
      open.amounts = new Float64Array(slots.length);
      open.marks = new Float64Array(slots.length);
    }
    for (let i = 0; i < slots.length; i++) {
      const isCharged = !shadowed?.includes(i);
      const amount = isCharged ? this.#amount(chain, cost, i) : 0;
      open.amounts[i] = isCharged ? amount : NOT_CHARGED;
      open.marks[i] = this.#buckets.charge(slots[i] as number, amount);
    }
    open.chain = chain;
    open.startedAtMs = nowMs;
    open.deadlineMs = nowMs + RESERVATION_DEADLINE_MS;
    return open.id;
  }

  #refuse(chain: Chain, cost: CallCost, nowMs: number): ReserveResult {
    const { kind, shortages } = this.demands(chain, cost, nowMs);
    return { kind, shortages: shortages.filter(({ missing }) => missing > 0) };
  }

  #place(): OpenReservation {
    const free = this.#freePlaces.pop();
    if (free !== undefined) return this.#reservations[free] as OpenReservation;
    if (this.#reservations.length === PLACES) throw new Error(`more than ${PLACES} open reservations`);
    const open: OpenReservation = {
      id: this.#reservations.length,
      chain: undefined,
      amounts: new Float64Array(8),
      marks: new Float64Array(8),
      startedAtMs: 0,
      deadlineMs: 0,
    };
    this.#reservations.push(open);
    return open;
  }

  #find(reservation: ReservationId): OpenReservation | undefined {
    const open = this.#reservations[reservation % PLACES];
    return open?.id === reservation ? open : undefined;
  }

  #forget(open: OpenReservation): void {
    open.chain = undefined;
    this.#freePlaces.push(open.id % PLACES);
    open.id += PLACES;
  }
}

function usedOf(actual: CostVector | undefined, unitIndex: number | undefined, reserved: number): number {
  return toAmount(actual?.[unitIndex ?? 0] ?? reserved, reserved);
}
