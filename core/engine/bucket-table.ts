// The state of every bucket, one slot each, as a structure of arrays: a decision touches a few numbers, no objects.
// Arithmetic is exact: levels are whole numbers, and the part of a unit that is not yet earned is kept as a
// whole-number numerator over the window, so nothing is gained or lost by rounding however often one asks.

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

/** Products up to this size are exact in a double and so is the floor of their quotient. */
const EXACT_PRODUCT = 2 ** 52;

const INITIAL_SLOTS = 256;

/**
 * Token buckets and gauges in slots; grows by doubling (the key table bounds how many there are).
 * Time is whole monotonic milliseconds, and a bucket's time never goes back.
 */
export class BucketTable {
  /** Units left; below 0 is debt. Valid as of `updatedAtMs`. */
  level: Float64Array = new Float64Array(INITIAL_SLOTS);
  capacity: Float64Array = new Float64Array(INITIAL_SLOTS);
  /** Open reservations that charged this bucket. */
  open: Int32Array = new Int32Array(INITIAL_SLOTS);
  readonly #history: RefundHistory = new RefundHistory(INITIAL_SLOTS);
  #limit = new Float64Array(INITIAL_SLOTS);
  #windowMs = new Float64Array(INITIAL_SLOTS);
  /** Numerator over windowMs of the unit that is being earned, in [0, windowMs). */
  #fraction = new Float64Array(INITIAL_SLOTS);
  #updatedAtMs = new Float64Array(INITIAL_SLOTS);
  #free: Slot[] = [];
  #used = 0;

  /** Slots in use. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  /** A slot for a new bucket that starts with `level` units, at most its capacity. */
  allocate(shape: BucketShape, level: number, nowMs: number): Slot {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= this.level.length) this.#grow();
    this.capacity[slot] = shape.capacity;
    this.#limit[slot] = shape.limit;
    this.#windowMs[slot] = shape.windowMs;
    this.level[slot] = Math.min(level, shape.capacity);
    this.#fraction[slot] = 0;
    this.#updatedAtMs[slot] = nowMs;
    this.open[slot] = 0;
    return slot;
  }

  /** Gives a slot back. Only a bucket that `isForgettable` may be released: anything else would reset a limit. */
  release(slot: Slot): void {
    if (this.at(this.open, slot) !== 0) throw new Error(`bucket ${slot} released with open reservations`);
    this.#free.push(slot);
  }

  /** Full, and no reservation can still change it: forgetting it and starting a full one anew is the same. */
  isForgettable(slot: Slot, nowMs: number): boolean {
    if (this.at(this.open, slot) !== 0) return false;
    this.refill(slot, nowMs);
    return this.at(this.level, slot) >= this.at(this.capacity, slot);
  }

  /** Brings a bucket to `nowMs`. Going back in time does nothing. */
  refill(slot: Slot, nowMs: number): void {
    const elapsedMs = nowMs - this.at(this.#updatedAtMs, slot);
    if (elapsedMs <= 0) return;
    this.#updatedAtMs[slot] = nowMs;
    const windowMs = this.at(this.#windowMs, slot);
    if (windowMs === 0) return;
    const level = this.at(this.level, slot);
    const capacity = this.at(this.capacity, slot);
    if (level < capacity) this.#earn(slot, elapsedMs);
    if (this.at(this.open, slot) > 0) this.#recordPeak(slot);
  }

  /** Least whole milliseconds after which the bucket holds `amount`, if nobody else takes from it; Infinity if never. */
  waitMs(slot: Slot, amount: number): number {
    const missing = amount - this.at(this.level, slot);
    if (missing <= 0) return 0;
    const limit = this.at(this.#limit, slot);
    if (limit === 0 || amount > this.at(this.capacity, slot)) return Number.POSITIVE_INFINITY;
    const windowMs = this.at(this.#windowMs, slot);
    const product = missing * windowMs;
    if (product <= EXACT_PRODUCT) return Math.ceil((product - this.at(this.#fraction, slot)) / limit);
    const numerator = BigInt(missing) * BigInt(windowMs) - BigInt(this.at(this.#fraction, slot));
    return Number((numerator + BigInt(limit) - 1n) / BigInt(limit));
  }

  /** Milliseconds, with their fraction, in which `amount` is earned at this bucket's rate; Infinity where nothing is. */
  earningMs(slot: Slot, amount: number): number {
    const limit = this.at(this.#limit, slot);
    return limit === 0 ? Number.POSITIVE_INFINITY : (amount * this.at(this.#windowMs, slot)) / limit;
  }

  /**
   * Since when the bucket would have been empty, had it earned all that it holds since then; later than now for debt.
   * Milliseconds with their fraction; the bucket must have been refilled to `nowMs`. -Infinity where nothing is earned.
   */
  emptyAtMs(slot: Slot, nowMs: number): number {
    const held = this.at(this.level, slot) * this.at(this.#windowMs, slot) + this.at(this.#fraction, slot);
    const limit = this.at(this.#limit, slot);
    return limit === 0 ? Number.NEGATIVE_INFINITY : nowMs - held / limit;
  }

  /** Takes `amount` for a reservation made now. Returns the mark that a later refund must name. */
  charge(slot: Slot, amount: number): number {
    this.level[slot] = this.at(this.level, slot) - amount;
    this.open[slot] = this.at(this.open, slot) + 1;
    return this.isGauge(slot) ? 0 : this.#history.admit(slot);
  }

  /** Takes `amount` more, into debt if need be. */
  chargeMore(slot: Slot, amount: number): void {
    this.level[slot] = this.at(this.level, slot) - amount;
  }

  /**
   * Ends a reservation of this bucket and gives back what it did not use. A token bucket takes back only what it
   * would still hold had it charged the actual cost at admission; a gauge takes back all.
   * The bucket must have been refilled to now.
   */
  close(slot: Slot, mark: number, unused: number): void {
    if (unused > 0) this.#giveBack(slot, mark, unused);
    if (!this.isGauge(slot)) this.#history.leave(slot, mark);
    this.open[slot] = this.at(this.open, slot) - 1;
  }

  /** Is this a gauge (concurrency) rather than a token bucket? */
  isGauge(slot: Slot): boolean {
    return this.at(this.#windowMs, slot) === 0;
  }

  /** New numbers for a bucket. Its usage (capacity - level) stays, not its level. */
  reshape(slot: Slot, shape: BucketShape, nowMs: number): void {
    this.refill(slot, nowMs);
    const used = this.at(this.capacity, slot) - this.at(this.level, slot);
    this.capacity[slot] = shape.capacity;
    this.#limit[slot] = shape.limit;
    if (this.at(this.#windowMs, slot) !== shape.windowMs) {
      throw new Error(`bucket ${slot} cannot change its window`);
    }
    this.level[slot] = shape.capacity - used;
  }

  /** Reads a typed array at an index that is known to be inside it. */
  at(array: Float64Array | Int32Array, slot: Slot): number {
    return array[slot] as number; // Slots come from allocate(), so the element exists.
  }

  #giveBack(slot: Slot, mark: number, unused: number): void {
    const level = this.at(this.level, slot);
    const windowMs = this.at(this.#windowMs, slot);
    if (windowMs === 0) {
      this.level[slot] = level + unused;
      return;
    }
    // The headroom of this very moment bounds the refund too.
    this.#recordPeak(slot);
    this.#history.refund(slot, mark, unused, windowMs);
    const fraction = this.at(this.#fraction, slot) - this.#history.keptPart;
    this.level[slot] = level + this.#history.keptUnits - (fraction < 0 ? 1 : 0);
    this.#fraction[slot] = fraction < 0 ? fraction + windowMs : fraction;
  }

  #recordPeak(slot: Slot): void {
    const units = this.at(this.capacity, slot) - this.at(this.level, slot);
    this.#history.recordPeak(slot, units, this.at(this.#fraction, slot));
  }

  #earn(slot: Slot, elapsedMs: number): void {
    const windowMs = this.at(this.#windowMs, slot);
    const level = this.at(this.level, slot);
    const capacity = this.at(this.capacity, slot);
    const product = elapsedMs * this.at(this.#limit, slot) + this.at(this.#fraction, slot);
    let gained: number;
    let fraction: number;
    if (product <= EXACT_PRODUCT) {
      gained = Math.floor(product / windowMs);
      fraction = product - gained * windowMs;
    } else {
      const exact =
        BigInt(elapsedMs) * BigInt(this.at(this.#limit, slot)) + BigInt(this.at(this.#fraction, slot));
      const gainedExact = exact / BigInt(windowMs);
      // More than fills any bucket: the number only has to be large.
      gained = Number(gainedExact);
      fraction = Number(exact - gainedExact * BigInt(windowMs));
    }
    if (level + gained >= capacity) {
      this.level[slot] = capacity;
      this.#fraction[slot] = 0;
    } else {
      this.level[slot] = level + gained;
      this.#fraction[slot] = fraction;
    }
  }

  #grow(): void {
    const length = this.level.length * 2;
    this.level = grown(this.level, length);
    this.capacity = grown(this.capacity, length);
    this.#limit = grown(this.#limit, length);
    this.#windowMs = grown(this.#windowMs, length);
    this.#fraction = grown(this.#fraction, length);
    this.#updatedAtMs = grown(this.#updatedAtMs, length);
    const open = new Int32Array(length);
    open.set(this.open);
    this.open = open;
    this.#history.grow(length);
  }
}

function grown(array: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}
