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
// Headroom shrinks only when the bucket earns, so it is recorded then; until it earns for the first time, a reservation
// needs no class, for the bucket has room for all that it was charged. A refund lowers the headroom of its own and all
// later classes by what it gave back, because in the corrected past the bucket was that much fuller.
//
// A headroom is exact: `units - part / windowMs`, where `part` is the bucket's not yet earned fraction. As
// 0 <= part < windowMs, the smaller headroom is the one with fewer units, then the one with the larger part.

/**
 * Classes a bucket keeps. When they run out, the two that differ least are merged under the smaller headroom, which can
 * only make refunds smaller: by at most a sixteenth of the bucket over all of them together.
 */
export const MAX_CLASSES = 32;

// One class is four numbers in a row: units and part of its headroom, its first mark, its open reservations.
const PART = 1;
const MARK = 2;
const OPEN = 3;
const STRIDE = 4;
const ROW = MAX_CLASSES * STRIDE;

const INITIAL_ROWS = 16;

/** The classes of open reservations by bucket. Only buckets with a refund to expect take memory for them. */
export class RefundHistory {
  /** The answer of the last `end`: `keptUnits - keptPart / windowMs` units come back. */
  keptUnits = 0;
  keptPart = 0;
  #classes = new Float64Array(INITIAL_ROWS * ROW);
  #rows = 0;
  readonly #freeRows: number[] = [];
  /** Where a bucket's row begins; meaningless while it has no classes. */
  #rowOf: Int32Array;
  #count: Uint8Array;

  constructor(slots: number) {
    this.#rowOf = new Int32Array(slots);
    this.#count = new Uint8Array(slots);
  }

  /** Makes room for `slots` buckets; what is recorded stays. */
  grow(slots: number): void {
    this.#rowOf = copyInto(this.#rowOf, new Int32Array(slots));
    this.#count = copyInto(this.#count, new Uint8Array(slots));
  }

  /** The bucket is full: no open reservation has anything to expect any more. */
  clear(slot: number): void {
    if (this.#count[slot] === 0) return;
    this.#count[slot] = 0;
    this.#freeRows.push(this.#rowOf[slot] as number);
  }

  /** Takes over `open` reservations with this mark and later ones. A peak must follow: they have seen none yet. */
  add(slot: number, mark: number, open: number): void {
    if (this.#count[slot] === 0) this.#takeRow(slot);
    else if (this.#count[slot] === MAX_CLASSES) this.#mergeClosest(slot);
    const count = this.#count[slot] as number;
    const added = (this.#rowOf[slot] as number) + count * STRIDE;
    this.#classes[added] = Number.POSITIVE_INFINITY;
    this.#classes[added + PART] = 0;
    this.#classes[added + MARK] = mark;
    this.#classes[added + OPEN] = open;
    this.#count[slot] = count + 1;
  }

  /** The bucket has risen and now has the headroom `units - part / windowMs`, above 0. */
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
   * The reservation with this mark has ended, and the bucket has risen since it was made. Of its `unused` whole units
   * the bucket takes back what `keptUnits` and `keptPart` say; false when that is nothing.
   */
  end(slot: number, mark: number, unused: number, windowMs: number): boolean {
    const at = this.#find(slot, mark);
    if (at < 0) return false;
    if (unused > 0) this.#refund(slot, at, unused, windowMs);
    this.#classes[at + OPEN] = (this.#classes[at + OPEN] as number) - 1;
    const joined = this.#joinEqual(slot, at);
    // Without members a class says nothing: those before it have a smaller headroom, those after it began later.
    if (this.#classes[joined + OPEN] === 0) this.#remove(slot, joined, joined + STRIDE);
    if (this.#count[slot] === 0) this.#freeRows.push(this.#rowOf[slot] as number);
    return unused > 0;
  }

  #refund(slot: number, at: number, unused: number, windowMs: number): void {
    const classes = this.#classes;
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
  }

  /** Position of the class that holds the mark: the last one that starts at or before it; -1 when there is none. */
  #find(slot: number, mark: number): number {
    const row = this.#rowOf[slot] as number;
    let at = row + ((this.#count[slot] as number) - 1) * STRIDE;
    while (at >= row && (this.#classes[at + MARK] as number) > mark) at -= STRIDE;
    return at < row ? -1 : at;
  }

  /** Is the headroom of this class below `units - part / windowMs`? */
  #isBelow(at: number, units: number, part: number): boolean {
    const own = this.#classes[at] as number;
    return own < units || (own === units && (this.#classes[at + PART] as number) > part);
  }

  /** Merges into one class all those up to this one whose headroom is not below its. Where that class stands. */
  #joinEqual(slot: number, at: number): number {
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
    if (first === at) return at;
    classes[first] = units;
    classes[first + PART] = part;
    classes[first + OPEN] = open;
    this.#remove(slot, first + STRIDE, at + STRIDE);
    return first;
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

function copyInto<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
