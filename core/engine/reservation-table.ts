// Open reservations as a structure of arrays: making one leaves no object behind. A place is used again once its
// reservation has ended, under an id that was never used before.

import type { CallCost } from '../cost.ts';
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

/** What calls were charged beyond their reservation while they ran, by position in the chain. */
export type TopUp = {
  readonly amounts: Float64Array;
  /** The mark of the first such charge of each bucket: the later ones are refunded as if they had been made then. */
  readonly marks: Float64Array;
};

/** Who holds what since when. */
export class ReservationTable {
  #ids = new Float64Array(INITIAL_PLACES);
  #marks = new Float64Array(INITIAL_PLACES);
  #startedAtMs = new Float64Array(INITIAL_PLACES);
  #deadlineMs = new Float64Array(INITIAL_PLACES);
  readonly #chains: (Chain | undefined)[] = [];
  readonly #costs: CallCost[] = [];
  /** Amounts by position in the chain, where they are not simply those of the cost. */
  readonly #adjusted: (Float64Array | undefined)[] = [];
  readonly #toppedUp: (TopUp | undefined)[] = [];
  readonly #free: Place[] = [];

  /** Reservations that are open. */
  get size(): number {
    return this.#chains.length - this.#free.length;
  }

  /** A new reservation over this chain. It was charged what the cost says, where `adjust` does not say otherwise. */
  open(chain: Chain, cost: CallCost, mark: number, nowMs: number): Place {
    const place = this.#free.pop() ?? this.#newPlace(cost);
    this.#chains[place] = chain;
    this.#costs[place] = cost;
    this.#marks[place] = mark;
    this.#startedAtMs[place] = nowMs;
    this.#deadlineMs[place] = nowMs + RESERVATION_DEADLINE_MS;
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
    this.#adjusted[place] = undefined;
    this.#toppedUp[place] = undefined;
    this.#ids[place] = this.idOf(place) + MAX_PLACES;
    this.#free.push(place);
  }

  idOf(place: Place): ReservationId {
    return this.#ids[place] as number;
  }

  /** The chain of an open reservation. */
  chainOf(place: Place): Chain {
    return this.#chains[place] as Chain; // Open places have one.
  }

  /** The cost that it was made with. */
  costOf(place: Place): CallCost {
    return this.#costs[place] as CallCost; // As above.
  }

  /** What it was charged when it was made, by position in the chain; undefined where that is what the cost says. */
  adjustedOf(place: Place): Float64Array | undefined {
    return this.#adjusted[place];
  }

  /** The same, to be filled in by whoever charges something else than the cost says. */
  adjust(place: Place): Float64Array {
    const amounts = new Float64Array(this.chainOf(place).slots.length);
    this.#adjusted[place] = amounts;
    return amounts;
  }

  /** What it was charged since; undefined where that is nothing. */
  toppedUpOf(place: Place): TopUp | undefined {
    return this.#toppedUp[place];
  }

  /** What it was charged since, to be changed. */
  topUp(place: Place): TopUp {
    const known = this.#toppedUp[place];
    if (known !== undefined) return known;
    const { length } = this.chainOf(place).slots;
    const added = { amounts: new Float64Array(length), marks: new Float64Array(length) };
    this.#toppedUp[place] = added;
    return added;
  }

  /** The mark under which its buckets were charged when it was made. */
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

  #newPlace(cost: CallCost): Place {
    const place = this.#chains.length;
    if (place === MAX_PLACES) throw new Error(`more than ${MAX_PLACES} open reservations`);
    if (place === this.#ids.length) this.#grow();
    this.#chains.push(undefined);
    this.#costs.push(cost);
    this.#adjusted.push(undefined);
    this.#toppedUp.push(undefined);
    this.#ids[place] = place;
    return place;
  }

  #grow(): void {
    this.#ids = doubled(this.#ids);
    this.#marks = doubled(this.#marks);
    this.#startedAtMs = doubled(this.#startedAtMs);
    this.#deadlineMs = doubled(this.#deadlineMs);
  }
}

function doubled(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * array.length);
  larger.set(array);
  return larger;
}
