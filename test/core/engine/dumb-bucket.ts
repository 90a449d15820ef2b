// The dumb twin of a bucket: it remembers everything that ever happened to it and works out its level from the whole
// past, in whole numerators of 1 / window, each time it is asked. A call that has ended counts as if its actual cost had
// been charged when it was admitted; what it used beyond its reservation counts from the moment that was charged, and of
// several such charges the last are the first to be given back.

import type { BucketShape } from '../../../core/engine/bucket-table.ts';

type Happening =
  | { readonly kind: 'charge'; readonly atMs: number; readonly charge: DumbCharge }
  | { readonly kind: 'reshape'; readonly atMs: number; readonly shape: BucketShape };

/** One charge of a dumb bucket. */
type DumbCharge = { charged: number };

/** One reservation of a dumb bucket: what it charged when it was made, then what its use exceeded that by. */
export type DumbCall = { readonly reserved: number; readonly charges: DumbCharge[] };

/** A bucket that starts with `level` of its capacity. */
export class DumbBucket {
  readonly #first: BucketShape;
  readonly #level: number;
  readonly #startMs: number;
  readonly #past: Happening[] = [];

  constructor(shape: BucketShape, level: number, startMs: number) {
    this.#first = shape;
    this.#level = Math.min(level, shape.capacity);
    this.#startMs = startMs;
  }

  charge(amount: number, atMs: number): DumbCall {
    return { reserved: amount, charges: [this.#charge(amount, atMs)] };
  }

  /** The call has used this much so far: what it was not charged for yet is charged now. */
  topUp({ charges }: DumbCall, used: number, atMs: number): void {
    const more = used - sum(charges);
    if (more > 0) charges.push(this.#charge(more, atMs));
  }

  /** The call used this much: less than it was charged is refunded as if it had never been charged, more is charged now. */
  settle(call: DumbCall, used: number, atMs: number): void {
    this.topUp(call, used, atMs);
    let left = used;
    for (const charge of call.charges) {
      charge.charged = Math.min(charge.charged, left);
      left -= charge.charged;
    }
  }

  #charge(amount: number, atMs: number): DumbCharge {
    const charge = { charged: amount };
    this.#past.push({ kind: 'charge', atMs, charge });
    return charge;
  }

  reshape(shape: BucketShape, atMs: number): void {
    this.#past.push({ kind: 'reshape', atMs, shape });
  }

  /** The exact level as a numerator over the window. */
  numerator(nowMs: number): bigint {
    let { capacity, limit, windowMs } = this.#first;
    const window = BigInt(windowMs);
    let used = BigInt(capacity - this.#level) * window;
    let atMs = this.#startMs;
    const earnUntil = (untilMs: number): void => {
      if (untilMs <= atMs) return;
      const left = used - BigInt(limit) * BigInt(untilMs - atMs);
      used = left > 0n ? left : 0n;
      atMs = untilMs;
    };
    for (const happening of this.#past) {
      earnUntil(happening.atMs);
      if (happening.kind === 'charge') used += BigInt(happening.charge.charged) * window;
      else ({ capacity, limit } = happening.shape);
    }
    earnUntil(nowMs);
    return BigInt(capacity) * window - used;
  }

  /** Whole units left, rounded down. */
  level(nowMs: number): number {
    const window = BigInt(this.#first.windowMs);
    const numerator = this.numerator(nowMs);
    const floor = numerator / window;
    return Number(numerator < 0n && floor * window !== numerator ? floor - 1n : floor);
  }
}

function sum(charges: readonly DumbCharge[]): number {
  return charges.reduce((total, { charged }) => total + charged, 0);
}
