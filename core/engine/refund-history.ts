// How much of a refund a token bucket may still take back.
//
// Take a reservation of 100 admitted at a, settled at t with nothing used. Had the bucket been charged nothing at a,
// it would have been fuller by 100 since, but never above its capacity: whatever would have overflowed is lost. So the
// refund is the least headroom (capacity - level) that the bucket had at any moment in (a, t]. Plain "add it back, cap
// at capacity" lets calls that hang for a window and are then refunded admit the same amount a second time.
//
// Headroom is least just before a charge, that is after each refill or refund: those are the peaks recorded here. The
// moments since the oldest open reservation are kept as segments, each with its least headroom; a reservation names the
// segment it was admitted in. A refund walks the later segments and lowers their headroom by what it gave back, because
// in the corrected past the bucket was that much fuller.
//
// A headroom is exact: `units - part / windowMs`, where `part` is the bucket's not yet earned fraction. As
// 0 <= part < windowMs, the smaller headroom is the one with fewer units, then the one with the larger part.

/** Segments a bucket keeps. When they run out the two oldest are merged, which can only make refunds smaller. */
export const MAX_SEGMENTS = 16;

/** Per-bucket segments of least headroom, as a structure of arrays. */
export class RefundHistory {
  /** The answer of the last `refund`: `keptUnits - keptPart / windowMs` units come back. */
  keptUnits = 0;
  keptPart = 0;
  #units: Float64Array;
  #part: Float64Array;
  /** Mark of the first admission of the segment. */
  #firstMark: Float64Array;
  /** Open reservations admitted in the segment. */
  #openIn: Int32Array;
  #count: Uint8Array;
  #nextMark: Float64Array;

  constructor(slots: number) {
    this.#units = new Float64Array(slots * MAX_SEGMENTS);
    this.#part = new Float64Array(slots * MAX_SEGMENTS);
    this.#firstMark = new Float64Array(slots * MAX_SEGMENTS);
    this.#openIn = new Int32Array(slots * MAX_SEGMENTS);
    this.#count = new Uint8Array(slots);
    this.#nextMark = new Float64Array(slots);
  }

  /** Makes room for `slots` buckets; what is recorded stays. */
  grow(slots: number): void {
    this.#units = copyInto(this.#units, new Float64Array(slots * MAX_SEGMENTS));
    this.#part = copyInto(this.#part, new Float64Array(slots * MAX_SEGMENTS));
    this.#firstMark = copyInto(this.#firstMark, new Float64Array(slots * MAX_SEGMENTS));
    this.#openIn = copyInto(this.#openIn, new Int32Array(slots * MAX_SEGMENTS));
    this.#count = copyInto(this.#count, new Uint8Array(slots));
    this.#nextMark = copyInto(this.#nextMark, new Float64Array(slots));
  }

  /** Forgets a bucket's past: it has no open reservation. */
  clear(slot: number): void {
    this.#count[slot] = 0;
  }

  /** A reservation is admitted now. Returns the mark that its refund and its end name. */
  admit(slot: number): number {
    const count = this.#count[slot] as number;
    const last = slot * MAX_SEGMENTS + count - 1;
    // A segment without a peak yet has seen no other moment than this one: the admission joins it.
    if (count > 0 && this.#units[last] === Number.POSITIVE_INFINITY) {
      this.#openIn[last] = (this.#openIn[last] as number) + 1;
      return this.#firstMark[last] as number;
    }
    if (count === MAX_SEGMENTS) this.#mergeOldest(slot);
    const added = slot * MAX_SEGMENTS + (this.#count[slot] as number);
    const mark = this.#nextMark[slot] as number;
    this.#units[added] = Number.POSITIVE_INFINITY;
    this.#part[added] = 0;
    this.#firstMark[added] = mark;
    this.#openIn[added] = 1;
    this.#count[slot] = (this.#count[slot] as number) + 1;
    this.#nextMark[slot] = mark + 1;
    return mark;
  }

  /** The bucket just rose (refill, refund) and now has the headroom `units - part / windowMs`. */
  recordPeak(slot: number, units: number, part: number): void {
    const count = this.#count[slot] as number;
    if (count === 0) return;
    const last = slot * MAX_SEGMENTS + count - 1;
    if (isSmaller(units, part, this.#units[last] as number, this.#part[last] as number)) {
      this.#units[last] = units;
      this.#part[last] = part;
    }
  }

  /** How much of `unused` whole units the bucket takes back for the reservation with this mark: see keptUnits. */
  refund(slot: number, mark: number, unused: number, windowMs: number): void {
    const end = slot * MAX_SEGMENTS + (this.#count[slot] as number);
    let units = unused;
    let part = 0;
    for (let i = this.#find(slot, mark); i < end; i++) {
      const segmentUnits = this.#units[i] as number;
      const segmentPart = this.#part[i] as number;
      if (isSmaller(segmentUnits, segmentPart, units, part)) {
        units = segmentUnits;
        part = segmentPart;
      }
      const carried = segmentPart < part;
      this.#units[i] = segmentUnits - units + (carried ? 1 : 0);
      this.#part[i] = segmentPart - part + (carried ? windowMs : 0);
    }
    this.keptUnits = units;
    this.keptPart = part;
  }

  /** The reservation with this mark has ended. Segments that no open reservation needs are dropped. */
  leave(slot: number, mark: number): void {
    const at = this.#find(slot, mark);
    this.#openIn[at] = (this.#openIn[at] as number) - 1;
    const base = slot * MAX_SEGMENTS;
    const end = base + (this.#count[slot] as number);
    let first = base;
    while (first < end && this.#openIn[first] === 0) first++;
    if (first === base) return;
    this.#moveDown(base, first, end);
    this.#count[slot] = end - first;
  }

  /** Position of the segment that holds the mark: the last one that starts at or before it. */
  #find(slot: number, mark: number): number {
    const base = slot * MAX_SEGMENTS;
    let i = base + (this.#count[slot] as number) - 1;
    while (i > base && (this.#firstMark[i] as number) > mark) i--;
    return i;
  }

  #mergeOldest(slot: number): void {
    const oldest = slot * MAX_SEGMENTS;
    const next = oldest + 1;
    const units = this.#units[oldest] as number;
    const part = this.#part[oldest] as number;
    if (isSmaller(units, part, this.#units[next] as number, this.#part[next] as number)) {
      this.#units[next] = units;
      this.#part[next] = part;
    }
    this.#firstMark[next] = this.#firstMark[oldest] as number;
    this.#openIn[next] = (this.#openIn[next] as number) + (this.#openIn[oldest] as number);
    this.#moveDown(oldest, next, oldest + MAX_SEGMENTS);
    this.#count[slot] = MAX_SEGMENTS - 1;
  }

  #moveDown(to: number, from: number, end: number): void {
    this.#units.copyWithin(to, from, end);
    this.#part.copyWithin(to, from, end);
    this.#firstMark.copyWithin(to, from, end);
    this.#openIn.copyWithin(to, from, end);
  }
}

function isSmaller(units: number, part: number, thanUnits: number, thanPart: number): boolean {
  return units < thanUnits || (units === thanUnits && part > thanPart);
}

function copyInto<T extends Float64Array | Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
