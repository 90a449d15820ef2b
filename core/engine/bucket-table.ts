// The state of every bucket: a row of numbers in one typed array, so that a decision touches one cache line for each
// bucket and no objects. Arithmetic is exact: levels are whole numbers, and the part of a unit that is not yet
// earned is kept as a whole-number numerator over the window, so nothing is gained or lost by rounding however often one
// asks.

import { RefundHistory } from './refund-history.ts';

/** Index of a bucket in the table. */
export type Slot = number;

/** What a bucket enforces. `windowMs: 0` makes a gauge (concurrency): no refill, only what is given back. */
export type BucketShape = {
  /** Bucket size in units: burst, or the maximum of a gauge. */
  readonly capacity: number;
  /** Units per window; 0 for a gauge. */
  readonly limit: number;
  readonly windowMs: number;
};

/** What a person calls the limit: units per window, or of a gauge the most at once. */
export function quotaOf({ capacity, limit, windowMs }: BucketShape): number {
  return windowMs === 0 ? capacity : limit;
}

/** Which buckets are asked, and where each finds its amount in a cost. */
export type Asked = { readonly slots: Int32Array; readonly chargeAt: Uint8Array };

/** Products up to this size are exact in a double and so is the floor of their quotient. */
const EXACT_PRODUCT = 2 ** 52;

const INITIAL_SLOTS = 256;

// Where the numbers of a bucket stand in its row.
/** Units left; below 0 is debt. Valid as of UPDATED_AT. */
const LEVEL = 0;
const UPDATED_AT = 1;
const CAPACITY = 2;
const LIMIT = 3;
const WINDOW = 4;
/** Numerator over the window of the unit that is being earned, in [0, window). */
const FRACTION = 5;
/** The bucket has not risen since reservations with this mark and later ones; those before are in the refund history. */
const FRESH_MARK = 6;
/** Open reservations that are in the refund history, or have nothing to expect from it. */
const SEEN = 7;
const ROW_SHIFT = 3;

/**
 * Token buckets and gauges in slots; grows by doubling (the key table bounds how many there are).
 * Time is whole monotonic milliseconds, and a bucket's time never goes back.
 */
export class BucketTable {
  #state = new Float64Array(INITIAL_SLOTS << ROW_SHIFT);
  /** What was charged to each bucket under a mark and not closed yet. */
  #open = new Int32Array(INITIAL_SLOTS);
  readonly #history = new RefundHistory(INITIAL_SLOTS);
  readonly #free: Slot[] = [];
  #used = 0;
  #nextMark = 0;

  /** Slots in use. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  /** A slot for a new bucket that starts with `level` units, at most its capacity. */
  allocate(shape: BucketShape, level: number, nowMs: number): Slot {
    const slot = this.#free.pop() ?? this.#used++;
    const row = slot << ROW_SHIFT;
    if (row >= this.#state.length) this.#grow();
    const state = this.#state;
    state[row + LEVEL] = Math.min(level, shape.capacity);
    state[row + UPDATED_AT] = nowMs;
    state[row + CAPACITY] = shape.capacity;
    state[row + LIMIT] = shape.limit;
    state[row + WINDOW] = shape.windowMs;
    state[row + FRACTION] = 0;
    state[row + FRESH_MARK] = this.#nextMark;
    state[row + SEEN] = 0;
    this.#open[slot] = 0;
    return slot;
  }

  /** Gives a slot back. Only a bucket that `isForgettable` may be released: anything else would reset a limit. */
  release(slot: Slot): void {
    if (this.isOpen(slot)) throw new Error(`bucket ${slot} released with open reservations`);
    this.#free.push(slot);
  }

  /** Full, and no reservation can still change it: forgetting it and starting a full one anew is the same. */
  isForgettable(slot: Slot, nowMs: number): boolean {
    if (this.isOpen(slot)) return false;
    this.refill(slot, nowMs);
    return this.levelOf(slot) >= this.capacityOf(slot);
  }

  /** Units left; below 0 is debt. Valid as of the last refill. */
  levelOf(slot: Slot): number {
    return this.#at(slot, LEVEL);
  }

  /** Bucket size in units. */
  capacityOf(slot: Slot): number {
    return this.#at(slot, CAPACITY);
  }

  /** Is this a gauge (concurrency) rather than a token bucket? */
  isGauge(slot: Slot): boolean {
    return this.#at(slot, WINDOW) === 0;
  }

  /** Has a reservation charged this bucket that has not ended? */
  isOpen(slot: Slot): boolean {
    return this.#open[slot] !== 0;
  }

  /** Brings a bucket to `nowMs`. Going back in time does nothing. */
  refill(slot: Slot, nowMs: number): void {
    const row = slot << ROW_SHIFT;
    if (nowMs > (this.#state[row + UPDATED_AT] as number)) this.#advance(slot, nowMs);
  }

  /**
   * Position of the first bucket, from `from` on, that holds less than it is asked; the number of buckets when all hold
   * enough. Refills what it looks at and changes nothing else. What costs nothing fits any level.
   */
  firstShort(asked: Asked, cost: ArrayLike<number>, nowMs: number, from: number): number {
    const { slots, chargeAt } = asked;
    const state = this.#state;
    const count = slots.length;
    let i = from;
    // Whatever is not plain leaves the loop: with a call inside, the compiler makes it half as fast.
    for (; i < count; i++) {
      const row = (slots[i] as number) << ROW_SHIFT;
      if (nowMs > (state[row + UPDATED_AT] as number)) break;
      if ((cost[chargeAt[i] as number] as number) > (state[row + LEVEL] as number)) break;
    }
    return i === count ? count : this.#firstShortFrom(asked, cost, nowMs, i);
  }

  /** Charges every bucket what it is asked. They must have been refilled to now. */
  chargeAll({ slots, chargeAt }: Asked, cost: ArrayLike<number>): void {
    const state = this.#state;
    const open = this.#open;
    const count = slots.length;
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      const row = slot << ROW_SHIFT;
      state[row + LEVEL] = (state[row + LEVEL] as number) - (cost[chargeAt[i] as number] as number);
      open[slot] = (open[slot] as number) + 1;
    }
  }

  /** Least whole milliseconds after which the bucket holds `amount`, if nobody else takes from it; Infinity if never. */
  waitMs(slot: Slot, amount: number): number {
    const missing = amount - this.levelOf(slot);
    if (missing <= 0) return 0;
    const limit = this.#at(slot, LIMIT);
    if (limit === 0 || amount > this.capacityOf(slot)) return Number.POSITIVE_INFINITY;
    const windowMs = this.#at(slot, WINDOW);
    const fraction = this.#at(slot, FRACTION);
    const product = missing * windowMs;
    if (product <= EXACT_PRODUCT) return Math.ceil((product - fraction) / limit);
    const numerator = BigInt(missing) * BigInt(windowMs) - BigInt(fraction);
    return Number((numerator + BigInt(limit) - 1n) / BigInt(limit));
  }

  /** Milliseconds, with their fraction, in which `amount` is earned at this bucket's rate; Infinity where nothing is. */
  earningMs(slot: Slot, amount: number): number {
    const limit = this.#at(slot, LIMIT);
    return limit === 0 ? Number.POSITIVE_INFINITY : (amount * this.#at(slot, WINDOW)) / limit;
  }

  /**
   * Since when the bucket would have been empty, had it earned all that it holds since then; later than now for debt.
   * Milliseconds with their fraction; the bucket must have been refilled to `nowMs`. -Infinity where nothing is earned.
   */
  emptyAtMs(slot: Slot, nowMs: number): number {
    const held = this.levelOf(slot) * this.#at(slot, WINDOW) + this.#at(slot, FRACTION);
    const limit = this.#at(slot, LIMIT);
    return limit === 0 ? Number.NEGATIVE_INFINITY : nowMs - held / limit;
  }

  /**
   * The mark of what is charged now, under which it must be closed. Every bucket that it charges must have been refilled
   * to now before the mark is taken. Marks ascend.
   */
  nextMark(): number {
    return this.#nextMark++;
  }

  /** Takes `amount` under a new mark. The bucket must have been refilled to now. */
  charge(slot: Slot, amount: number): void {
    this.chargeMore(slot, amount);
    this.#open[slot] = (this.#open[slot] as number) + 1;
  }

  /** Takes `amount` more, into debt if need be. */
  chargeMore(slot: Slot, amount: number): void {
    this.#state[(slot << ROW_SHIFT) + LEVEL] = this.#at(slot, LEVEL) - amount;
  }

  /**
   * Ends a reservation of this bucket. What it used beyond what was reserved is charged, into debt if need be; of what
   * it did not use a token bucket takes back only what it would still hold had it charged the actual cost at admission.
   * A gauge takes back all that was reserved. The bucket must have been refilled to now.
   */
  close(slot: Slot, mark: number, reserved: number, used: number): void {
    const row = slot << ROW_SHIFT;
    const state = this.#state;
    this.#open[slot] = (this.#open[slot] as number) - 1;
    const unused = state[row + WINDOW] === 0 ? reserved : reserved - used;
    if (mark < (state[row + FRESH_MARK] as number)) this.#closeOld(slot, mark, unused);
    // The bucket has not risen since: it has room for all of it.
    else state[row + LEVEL] = (state[row + LEVEL] as number) + unused;
  }

  /** New numbers for a bucket. Its usage (capacity - level) stays, not its level. */
  reshape(slot: Slot, shape: BucketShape, nowMs: number): void {
    if (this.#at(slot, WINDOW) !== shape.windowMs) {
      throw new Error(`bucket ${slot} cannot change its window`);
    }
    this.refill(slot, nowMs);
    const row = slot << ROW_SHIFT;
    const used = this.capacityOf(slot) - this.levelOf(slot);
    this.#state[row + CAPACITY] = shape.capacity;
    this.#state[row + LIMIT] = shape.limit;
    this.#state[row + LEVEL] = shape.capacity - used;
  }

  #at(slot: Slot, field: number): number {
    return this.#state[(slot << ROW_SHIFT) + field] as number; // Slots come from allocate(), so the row exists.
  }

  /** The bucket at `at` must be refilled, or it is short of its amount. */
  #firstShortFrom(asked: Asked, cost: ArrayLike<number>, nowMs: number, at: number): number {
    const { slots, chargeAt } = asked;
    const state = this.#state;
    const first = (slots[at] as number) << ROW_SHIFT;
    if (nowMs <= (state[first + UPDATED_AT] as number)) {
      const costsNothing = cost[chargeAt[at] as number] === 0;
      return costsNothing ? this.firstShort(asked, cost, nowMs, at + 1) : at;
    }
    for (let i = at; i < slots.length; i++) {
      const slot = slots[i] as number;
      if (nowMs > (state[(slot << ROW_SHIFT) + UPDATED_AT] as number)) this.#advance(slot, nowMs);
    }
    return this.firstShort(asked, cost, nowMs, at);
  }

  #closeOld(slot: Slot, mark: number, unused: number): void {
    const row = slot << ROW_SHIFT;
    const windowMs = this.#at(slot, WINDOW);
    this.#state[row + SEEN] = this.#at(slot, SEEN) - 1;
    if (unused < 0) this.chargeMore(slot, -unused);
    if (!this.#history.end(slot, mark, Math.max(0, unused), windowMs)) return;
    const fraction = this.#at(slot, FRACTION) - this.#history.keptPart;
    this.#state[row + LEVEL] = this.levelOf(slot) + this.#history.keptUnits - (fraction < 0 ? 1 : 0);
    this.#state[row + FRACTION] = fraction < 0 ? fraction + windowMs : fraction;
  }

  /** Time has passed for this bucket: it earns, and its history learns how little room it had. */
  #advance(slot: Slot, nowMs: number): void {
    const state = this.#state;
    const row = slot << ROW_SHIFT;
    const elapsedMs = nowMs - (state[row + UPDATED_AT] as number);
    state[row + UPDATED_AT] = nowMs;
    const windowMs = state[row + WINDOW] as number;
    if (windowMs === 0) return;
    const missing = (state[row + CAPACITY] as number) - (state[row + LEVEL] as number);
    const earned = elapsedMs * (state[row + LIMIT] as number) + (state[row + FRACTION] as number);
    // `earned` may be rounded, what it must reach is not.
    const wanted = missing * windowMs;
    const open = this.#open[slot] as number;
    if (earned >= wanted && wanted <= EXACT_PRODUCT) {
      state[row + LEVEL] = state[row + CAPACITY] as number;
      state[row + FRACTION] = 0;
      state[row + FRESH_MARK] = this.#nextMark;
      state[row + SEEN] = open;
      if (open !== 0) this.#history.clear(slot);
      return;
    }
    if (earned > EXACT_PRODUCT) this.#earnLarge(row, elapsedMs, missing);
    else this.#earn(row, earned);
    if (open !== 0) this.#recordRise(slot, open);
  }

  #recordRise(slot: Slot, open: number): void {
    const state = this.#state;
    const row = slot << ROW_SHIFT;
    const units = (state[row + CAPACITY] as number) - (state[row + LEVEL] as number);
    const part = state[row + FRACTION] as number;
    const fresh = open - (state[row + SEEN] as number);
    if (fresh > 0) this.#history.add(slot, state[row + FRESH_MARK] as number, fresh);
    this.#history.recordPeak(slot, units, part);
    state[row + FRESH_MARK] = this.#nextMark;
    state[row + SEEN] = open;
  }

  /** Earns what does not fill the bucket: `earned` is the numerator over the window, exact. */
  #earn(row: number, earned: number): void {
    const state = this.#state;
    const windowMs = state[row + WINDOW] as number;
    const gained = Math.floor(earned / windowMs);
    state[row + LEVEL] = (state[row + LEVEL] as number) + gained;
    state[row + FRACTION] = earned - gained * windowMs;
  }

  /** Earns in exact arithmetic what a double does not hold exactly. It may fill the bucket. */
  #earnLarge(row: number, elapsedMs: number, missing: number): void {
    const state = this.#state;
    const window = BigInt(state[row + WINDOW] as number);
    const limit = BigInt(state[row + LIMIT] as number);
    const earned = BigInt(elapsedMs) * limit + BigInt(state[row + FRACTION] as number);
    const isFull = earned >= BigInt(missing) * window;
    const gained = isFull ? missing : Number(earned / window);
    state[row + LEVEL] = (state[row + LEVEL] as number) + gained;
    state[row + FRACTION] = isFull ? 0 : Number(earned % window);
  }

  #grow(): void {
    const larger = new Float64Array(2 * this.#state.length);
    larger.set(this.#state);
    this.#state = larger;
    const slots = larger.length >> ROW_SHIFT;
    const open = new Int32Array(slots);
    open.set(this.#open);
    this.#open = open;
    this.#history.grow(slots);
  }
}
