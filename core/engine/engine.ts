// Admission and settlement over a chain of buckets: every bucket is checked before any is charged, in one synchronous
// step, and every reservation ends exactly once.

import { type CallCost, toAmount } from '../cost.ts';
import { type CostVector, createCostVector } from '../unit.ts';
import type { BucketTable, Slot } from './bucket-table.ts';
import type { Chain } from './chain.ts';
import { NO_PLACE, type Place, type ReservationId, ReservationTable } from './reservation-table.ts';

export { RESERVATION_DEADLINE_MS, type ReservationId } from './reservation-table.ts';

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

/** The answer of `tryReserve` where nothing was reserved. */
export const NOT_RESERVED: ReservationId = -1;

/** The amount recorded for a Shadow rule that was not charged. The reservation still keeps its bucket alive. */
const NOT_CHARGED = -1;

/** A used amount that nobody reported. */
const UNKNOWN = -1;

/** Reserves and settles. Holds no policy: the chain says which buckets and in which strength. */
export class Engine {
  readonly #buckets: BucketTable;
  readonly #reservations = new ReservationTable();
  readonly #used = createCostVector();

  constructor(buckets: BucketTable) {
    this.#buckets = buckets;
  }

  /** Reservations that are not settled yet. */
  get openReservations(): number {
    return this.#reservations.size;
  }

  /**
   * Charges every bucket of the chain when each holds all that the call asks; otherwise charges none and returns
   * NOT_RESERVED, and `reserve` says more. Most calls end here, without an object made. The cost is remembered, not
   * copied: it must not change while the reservation is open.
   */
  tryReserve(chain: Chain, cost: CallCost, nowMs: number): ReservationId {
    const short = this.#buckets.firstShort(chain, cost, nowMs, 0);
    return short === chain.slots.length ? this.#admit(chain, cost, nowMs) : NOT_RESERVED;
  }

  /**
   * Charges every bucket of the chain or none. A guess is clamped to the bucket's size, so only a known cost can be
   * too large. Costs of 0 pass whatever the level.
   */
  reserve(chain: Chain, cost: CallCost, nowMs: number): ReserveResult {
    const shadowed: number[] = [];
    const count = chain.slots.length;
    let i = this.#buckets.firstShort(chain, cost, nowMs, 0);
    // What holds less than it is asked may still fit clamped to the bucket, or be a Shadow rule's.
    for (; i < count; i = this.#buckets.firstShort(chain, cost, nowMs, i + 1)) {
      const level = this.#buckets.levelOf(chain.slots[i] as number);
      if (this.#amount(chain, cost, i) <= level && !this.#isTooLarge(chain, cost, i)) continue;
      if (!chain.rules[i]?.shadow) return this.#refuse(chain, cost, nowMs);
      shadowed.push(i);
    }
    return { kind: 'admitted', reservation: this.#admitClamped(chain, cost, nowMs, shadowed), shadowed };
  }

  /**
   * Ends a reservation with what the call really used, by unit; undefined = as reserved. Exactly once: a second settle
   * of the same reservation returns false and does nothing. Less than reserved is given back as far as the bucket
   * would still hold it, what was topped up as of its first top-up; more is charged into debt. A used amount that is below 0 or not a number counts as reserved.
   * Concurrency is always released.
   */
  settle(reservation: ReservationId, actual: CostVector | undefined, nowMs: number): boolean {
    const reservations = this.#reservations;
    const place = reservations.find(reservation);
    if (place === NO_PLACE) return false;
    const buckets = this.#buckets;
    const { slots, unitAt, chargeAt } = reservations.chainOf(place);
    const cost = reservations.costOf(place);
    const adjusted = reservations.adjustedOf(place);
    const isToppedUp = reservations.toppedUpOf(place) !== undefined;
    const mark = reservations.markOf(place);
    const used = this.#readUsed(actual);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const amount = (adjusted === undefined ? cost[chargeAt[i] as number] : adjusted[i]) as number;
      const reserved = amount === NOT_CHARGED ? 0 : amount;
      const reported = used[unitAt[i] as number] as number;
      buckets.refill(slot, nowMs);
      const left = isToppedUp ? this.#closeToppedUp(place, i, reserved, reported) : reported;
      buckets.close(slot, mark, reserved, amount === NOT_CHARGED || left === UNKNOWN ? reserved : left);
    }
    reservations.close(place);
    return true;
  }

  /**
   * Bytes are flowing: the deadline moves, and where the call has already used more than it reserved the difference is
   * charged now. `usedSoFar` is cumulative by unit. False if the reservation had ended.
   */
  topUp(reservation: ReservationId, usedSoFar: CostVector, nowMs: number): boolean {
    const reservations = this.#reservations;
    const place = reservations.find(reservation);
    if (place === NO_PLACE) return false;
    reservations.renew(place, nowMs);
    const { slots, unitAt, chargeAt } = reservations.chainOf(place);
    const cost = reservations.costOf(place);
    const usedByUnit = this.#readUsed(usedSoFar);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const amount = (reservations.adjustedOf(place)?.[i] ?? cost[chargeAt[i] as number]) as number;
      if (amount === NOT_CHARGED || this.#buckets.isGauge(slot)) continue;
      const added = reservations.toppedUpOf(place)?.amounts[i] ?? 0;
      const more = (usedByUnit[unitAt[i] as number] as number) - amount - added;
      if (more <= 0) continue;
      const { amounts, marks } = reservations.topUp(place);
      this.#buckets.refill(slot, nowMs);
      if (added > 0) this.#buckets.chargeMore(slot, more);
      else {
        this.#buckets.charge(slot, more);
        marks[i] = this.#buckets.nextMark();
      }
      amounts[i] = added + more;
    }
    return true;
  }

  /**
   * What the call asks of each enforced bucket that it costs anything, charging nothing; too-large when its known cost
   * exceeds the size of one of them. Of such a bucket it asks the known cost, otherwise what it would be charged.
   */
  demands(chain: Chain, cost: CallCost, nowMs: number): Demands {
    const enforced: number[] = [];
    for (let i = 0; i < chain.slots.length; i++) if (!chain.rules[i]?.shadow) enforced.push(i);
    return this.demandsAt(chain, cost, enforced, nowMs);
  }

  /** The same for these positions of the chain, such as those `shadowed` by an admission just made. */
  demandsAt(chain: Chain, cost: CallCost, positions: readonly number[], nowMs: number): Demands {
    const shortages: Demand[] = [];
    let kind: Demands['kind'] = 'short';
    for (const at of positions) {
      const slot = chain.slots[at] as number;
      this.#buckets.refill(slot, nowMs);
      const isTooLarge = this.#isTooLarge(chain, cost, at);
      if (isTooLarge) kind = 'too-large';
      const amount = isTooLarge
        ? (cost[chain.knownAt[at] as number] as number)
        : this.#amount(chain, cost, at);
      if (amount === 0) continue;
      const missing = amount - this.#buckets.levelOf(slot);
      shortages.push({ at, slot, amount, missing, waitMs: this.#buckets.waitMs(slot, amount) });
    }
    return { kind, shortages };
  }

  /** The buckets a reservation holds, for whoever must be told that they changed; undefined if it has ended. */
  chainOf(reservation: ReservationId): Chain | undefined {
    const place = this.#reservations.find(reservation);
    return place === NO_PLACE ? undefined : this.#reservations.chainOf(place);
  }

  /** When the reservation was made; undefined if it has ended. */
  startedAtMs(reservation: ReservationId): number | undefined {
    const place = this.#reservations.find(reservation);
    return place === NO_PLACE ? undefined : this.#reservations.startedAtMs(place);
  }

  /** Reservations whose deadline has passed; the caller settles them as reserved. */
  overdue(nowMs: number): ReservationId[] {
    return this.#reservations.overdue(nowMs);
  }

  /**
   * Ends what a bucket was charged after the reservation, which is given back first. How much of the reported use is
   * left for the reservation itself; what is unknown stays so.
   */
  #closeToppedUp(place: Place, at: number, reserved: number, reported: number): number {
    const toppedUp = this.#reservations.toppedUpOf(place);
    const added = toppedUp?.amounts[at] ?? 0;
    if (added === 0) return reported;
    const slot = this.#reservations.chainOf(place).slots[at] as number;
    const beyond = reported === UNKNOWN ? added : Math.max(0, reported - reserved);
    this.#buckets.close(slot, toppedUp?.marks[at] as number, added, beyond);
    return reported === UNKNOWN ? UNKNOWN : Math.min(reported, reserved);
  }

  /** Reported amounts as whole numbers; UNKNOWN where there is none. Valid until the next time. */
  #readUsed(actual: CostVector | undefined): Float64Array {
    const used = this.#used;
    for (let unit = 0; unit < used.length; unit++) {
      used[unit] = actual === undefined ? UNKNOWN : toAmount(actual[unit] as number, UNKNOWN);
    }
    return used;
  }

  #amount(chain: Chain, cost: CallCost, at: number): number {
    const slot = chain.slots[at] as number;
    return Math.min(cost[chain.chargeAt[at] as number] as number, this.#buckets.capacityOf(slot));
  }

  #isTooLarge(chain: Chain, cost: CallCost, at: number): boolean {
    const slot = chain.slots[at] as number;
    return (cost[chain.knownAt[at] as number] as number) > this.#buckets.capacityOf(slot);
  }

  /** Every bucket holds all that it is asked. */
  #admit(chain: Chain, cost: CallCost, nowMs: number): ReservationId {
    const place = this.#reservations.open(chain, cost, this.#buckets.nextMark(), nowMs);
    this.#buckets.chargeAll(chain, cost);
    return this.#reservations.idOf(place);
  }

  #admitClamped(chain: Chain, cost: CallCost, nowMs: number, shadowed: readonly number[]): ReservationId {
    const place = this.#reservations.open(chain, cost, this.#buckets.nextMark(), nowMs);
    const amounts = this.#reservations.adjust(place);
    for (let i = 0; i < chain.slots.length; i++) {
      const isCharged = !shadowed.includes(i);
      const amount = isCharged ? this.#amount(chain, cost, i) : 0;
      amounts[i] = isCharged ? amount : NOT_CHARGED;
      this.#buckets.charge(chain.slots[i] as number, amount);
    }
    return this.#reservations.idOf(place);
  }

  #refuse(chain: Chain, cost: CallCost, nowMs: number): ReserveResult {
    const { kind, shortages } = this.demands(chain, cost, nowMs);
    return { kind, shortages: shortages.filter(({ missing }) => missing > 0) };
  }
}
