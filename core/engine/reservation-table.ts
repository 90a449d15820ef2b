// Open reservations as a structure of arrays: making one leaves no object behind. A place is used again once its
// reservation has ended, under an id that was never used before.

import type { Chain } from './chain.ts';

/** Names one open reservation. A number that is used once: a stale one names nothing. */
export type ReservationId = number;

/** Position of an open reservation in the table. */
export type Place = number;

/** The answer where no open reservation has the id. */
export const NO_PLACE: Place = -1;

/** Unsettled reservations are charged as reserved after this long without news: quota.md section 1. */
export const RESERVATION_DEADLINE_MS = 15 * 60_000;

/** Room for 2^20 open reservations, the rest of a safe integer for how often a place was used. */
const MAX_PLACES = 2 ** 20;

/** The place of an id: its low bits, also where the id is beyond 32 bits. */
const PLACE_MASK = MAX_PLACES - 1;

const INITIAL_PLACES = 64;

/** Limits that a call usually passes, at most. */
const INITIAL_STRIDE = 16;

/** Who holds what since when. */
export class ReservationTable {
  /** What each reservation was charged, one row of `stride` amounts for each place. */
  amounts = new Float64Array(INITIAL_PLACES * INITIAL_STRIDE);
  #stride = INITIAL_STRIDE;
  #ids = new Float64Array(INITIAL_PLACES);
  #marks = new Float64Array(INITIAL_PLACES);
  #startedAtMs = new Float64Array(INITIAL_PLACES);
  #deadlineMs = new Float64Array(INITIAL_PLACES);
  readonly #chains: (Chain | undefined)[] = [];
  readonly #free: Place[] = [];

  /** Reservations that are open. */
  get size(): number {
    return this.#chains.length - this.#free.length;
  }

  /** A new reservation over this chain; its amounts are to be written from `rowOf` on. */
  open(chain: Chain, mark: number, nowMs: number): Place {
    const place = this.#free.pop() ?? this.#newPlace();
    if (chain.slots.length > this.#stride) this.#widen(chain.slots.length);
    this.#chains[place] = chain;
    this.#marks[place] = mark;
    this.#startedAtMs[place] = nowMs;
    this.renew(place, nowMs);
    return place;
  }

  /** The place of an open reservation, or NO_PLACE. */
  find(reservation: ReservationId): Place {
    const place = reservation & PLACE_MASK;
    return this.#chains[place] !== undefined && this.#ids[place] === reservation ? place : NO_PLACE;
  }

  /** Ends the reservation: its id names nothing from now on. */
  close(place: Place): void {
    this.#chains[place] = undefined;
    this.#ids[place] = this.idOf(place) + MAX_PLACES;
    this.#free.push(place);
  }

  idOf(place: Place): ReservationId {
    return this.#ids[place] as number;
  }

  /** Where the amounts of this place begin. */
  rowOf(place: Place): number {
    return place * this.#stride;
  }

  /** The chain of an open reservation. */
  chainOf(place: Place): Chain {
    return this.#chains[place] as Chain; // Open places have one.
  }

  /** The mark under which its buckets were charged. */
  markOf(place: Place): number {
    return this.#marks[place] as number;
  }

  startedAtMs(place: Place): number {
    return this.#startedAtMs[place] as number;
  }

  /** There was news: the deadline moves. */
  renew(place: Place, nowMs: number): void {
    this.#deadlineMs[place] = nowMs + RESERVATION_DEADLINE_MS;
  }

  /** Open reservations whose deadline has passed. */
  overdue(nowMs: number): ReservationId[] {
    return this.#chains.flatMap((chain, place) =>
      chain !== undefined && (this.#deadlineMs[place] as number) <= nowMs ? [this.idOf(place)] : [],
    );
  }

  #newPlace(): Place {
    const place = this.#chains.length;
    if (place === MAX_PLACES) throw new Error(`more than ${MAX_PLACES} open reservations`);
    if (place === this.#ids.length) this.#grow();
    this.#chains.push(undefined);
    this.#ids[place] = place;
    return place;
  }

  #grow(): void {
    this.amounts = doubled(this.amounts);
    this.#ids = doubled(this.#ids);
    this.#marks = doubled(this.#marks);
    this.#startedAtMs = doubled(this.#startedAtMs);
    this.#deadlineMs = doubled(this.#deadlineMs);
  }

  /** Longer rows, for a call that passes more limits than any before. */
  #widen(length: number): void {
    const stride = 2 * length;
    const wider = new Float64Array(this.#ids.length * stride);
    for (let place = 0; place < this.#chains.length; place++) {
      const row = this.rowOf(place);
      wider.set(this.amounts.subarray(row, row + this.#stride), place * stride);
    }
    this.amounts = wider;
    this.#stride = stride;
  }
}

function doubled(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * array.length);
  larger.set(array);
  return larger;
}
