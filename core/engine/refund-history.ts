// How much of a refund a token bucket may still take back.
//
// Take a reservation of 100 admitted at a, settled at t with nothing used. Had the bucket been charged nothing at a,
// it would have been fuller by 100 since, but never above its capacity: whatever would have overflowed is lost. So the
// refund is the least headroom (capacity - level) that the bucket had at any moment in (a, t]. Plain "add it back, cap
// at capacity" lets calls that hang for a window and are then refunded admit the same amount a second time.
//
// Two reservations with the same least headroom since their admission stay equal for ever: later moments and later
// refunds touch both alike. They form one class. A later admission has seen fewer moments, so headrooms ascend from the
// oldest class to the newest, and a low headroom (the bucket was nearly full) makes one class of all that came before.
// Headroom is least just before a charge, so it is recorded whenever the bucket rises. A refund lowers the headroom of
// its own and all later classes by what it gave back, because in the corrected past the bucket was that much fuller.
//
// A headroom is exact: `units - part / windowMs`, where `part` is the bucket's not yet earned fraction. As
// 0 <= part < windowMs, the smaller headroom is the one with fewer units, then the one with the larger part.

/**
 * Classes a bucket keeps. When they run out, the two that differ least are merged under the smaller headroom, which can
 * only make refunds smaller: by at most about a thirtieth of the bucket over all of them together.
 */
export const MAX_CLASSES = 32;

// One class is four numbers in a row.
const PART = 1;
const MARK = 2;
const OPEN = 3;
const STRIDE = 4;
const ROW = MAX_CLASSES * STRIDE;

const INITIAL_ROWS = 16;

/** The classes of open reservations by bucket. Only buckets with open reservations take memory for them. */
export class RefundHistory {
  /** The answer of the last `refund`: `keptUnits - keptPart / windowMs` units come back. */
  keptUnits = 0;
  keptPart = 0;
  /** Rows of classes: headroom units, headroom part, mark of the first admission, open reservations. */
  #classes = new Float64Array(INITIAL_ROWS * ROW);
  #rows = 0;
  readonly #freeRows: number[] = [];
  /** Where a bucket's row begins; meaningless while it has no classes. */
  #rowOf: Int32Array;
  #count: Uint8Array;
  #nextMark = 0;

  constructor(slots: number) {
    this.#rowOf = new Int32Array(slots);
    this.#count = new Uint8Array(slots);
  }

  /** Makes room for `slots` buckets; what is recorded stays. */
  grow(slots: number): void {
    const rowOf = new Int32Array(slots);
    rowOf.set(this.#rowOf);
    this.#rowOf = rowOf;
    const count = new Uint8Array(slots);
    count.set(this.#count);
    this.#count = count;
  }

  /** A reservation is admitted now. Returns the mark that its refund and its end name. */
  admit(slot: number): number {
    let count = this.#count[slot] as number;
    if (count === 0) this.#takeRow(slot);
    const row = this.#rowOf[slot] as number;
    const newest = row + (count - 1) * STRIDE;
    // A class that has seen no moment yet has seen no other moment than this one: the admission joins it.
    if (count > 0 && this.#classes[newest] === Number.POSITIVE_INFINITY) {
      this.#classes[newest + OPEN] = (this.#classes[newest + OPEN] as number) + 1;
      return this.#classes[newest + MARK] as number;
    }
    if (count === MAX_CLASSES) {
      this.#mergeClosest(slot);
      count -= 1;
    }
    const added = row + count * STRIDE;
    const mark = this.#nextMark++;
    this.#classes[added] = Number.POSITIVE_INFINITY;
    this.#classes[added + PART] = 0;
    this.#classes[added + MARK] = mark;
    this.#classes[added + OPEN] = 1;
    this.#count[slot] = count + 1;
    return mark;
  }

  /** The bucket just rose (refill, refund) and now has the headroom `units - part / windowMs`. */
  recordPeak(slot: number, units: number, part: number): void {
    const count = this.#count[slot] as number;
    if (count === 0) return;
    const newest = (this.#rowOf[slot] as number) + (count - 1) * STRIDE;
    if (this.#isBelow(newest, units, part)) return;
    this.#classes[newest] = units;
    this.#classes[newest + PART] = part;
    this.#joinEqual(slot, newest);
  }

  /**
   * How much of `unused` whole units the bucket takes back for the reservation with this mark: see keptUnits. The
   * headroom of this very moment must have been recorded.
   */
  refund(slot: number, mark: number, unused: number, windowMs: number): void {
    const classes = this.#classes;
    const at = this.#find(slot, mark);
    const end = (this.#rowOf[slot] as number) + (this.#count[slot] as number) * STRIDE;
    const isCut = this.#isBelow(at, unused, 0);
    const units = isCut ? (classes[at] as number) : unused;
    const part = isCut ? (classes[at + PART] as number) : 0;
    for (let i = at; i < end; i += STRIDE) {
      const carried = (classes[i + PART] as number) < part;
      classes[i] = (classes[i] as number) - units + (carried ? 1 : 0);
      classes[i + PART] = (classes[i + PART] as number) - part + (carried ? windowMs : 0);
    }
    this.keptUnits = units;
    this.keptPart = part;
    this.#joinEqual(slot, at);
  }

  /** The reservation with this mark has ended. */
  leave(slot: number, mark: number): void {
    const at = this.#find(slot, mark);
    const left = (this.#classes[at + OPEN] as number) - 1;
    this.#classes[at + OPEN] = left;
    // Without members a class says nothing: those before it have a smaller headroom, those after it began later.
    if (left === 0) this.#remove(slot, at, at + STRIDE);
    if (this.#count[slot] === 0) this.#freeRows.push(this.#rowOf[slot] as number);
  }

  /** Position of the class that holds the mark: the last one that starts at or before it. */
  #find(slot: number, mark: number): number {
    const row = this.#rowOf[slot] as number;
    let at = row + ((this.#count[slot] as number) - 1) * STRIDE;
    while (at > row && (this.#classes[at + MARK] as number) > mark) at -= STRIDE;
    return at;
  }

  /** Is the headroom of this class below `units - part / windowMs`? */
  #isBelow(at: number, units: number, part: number): boolean {
    const own = this.#classes[at] as number;
    return own < units || (own === units && (this.#classes[at + PART] as number) > part);
  }

  /** Merges into one class all those up to this one whose headroom is not below its. */
  #joinEqual(slot: number, at: number): void {
    const classes = this.#classes;
    const row = this.#rowOf[slot] as number;
    const units = classes[at] as number;
    const part = classes[at + PART] as number;
    let first = at;
    let open = classes[at + OPEN] as number;
    while (first > row && !this.#isBelow(first - STRIDE, units, part)) {
      first -= STRIDE;
      open += classes[first + OPEN] as number;
    }
    if (first === at) return;
    classes[first] = units;
    classes[first + PART] = part;
    classes[first + OPEN] = open;
    this.#remove(slot, first + STRIDE, at + STRIDE);
  }

  #mergeClosest(slot: number): void {
    const classes = this.#classes;
    const row = this.#rowOf[slot] as number;
    let closest = row;
    let leastGap = Number.POSITIVE_INFINITY;
    for (let at = row; at < row + ROW - STRIDE; at += STRIDE) {
      const gap = (classes[at + STRIDE] as number) - (classes[at] as number);
      if (gap < leastGap) [closest, leastGap] = [at, gap];
    }
    const next = closest + STRIDE;
    classes[closest + OPEN] = (classes[closest + OPEN] as number) + (classes[next + OPEN] as number);
    this.#remove(slot, next, next + STRIDE);
  }

  /** Takes the classes in [from, to) out of the row. */
  #remove(slot: number, from: number, to: number): void {
    const count = this.#count[slot] as number;
    const end = (this.#rowOf[slot] as number) + count * STRIDE;
    if (to < end) this.#classes.copyWithin(from, to, end);
    this.#count[slot] = count - (to - from) / STRIDE;
  }

  #takeRow(slot: number): void {
    const free = this.#freeRows.pop();
    if (free !== undefined) {
      this.#rowOf[slot] = free;
      return;
    }
    const row = this.#rows * ROW;
    this.#rows += 1;
    if (row === this.#classes.length) {
      const classes = new Float64Array(2 * row);
      classes.set(this.#classes);
      this.#classes = classes;
    }
    this.#rowOf[slot] = row;
  }
}
