import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BucketShape, BucketTable } from '../../../core/engine/bucket-table.ts';
import { DumbBucket, type DumbCall } from './dumb-bucket.ts';
import { chargeMarked } from './marked-charge.ts';

const HOUR_MS = 3_600_000;

/** Small shapes where everything interacts, and the largest that a policy may have. */
const anyShape: fc.Arbitrary<BucketShape> = fc.oneof(
  fc.record({
    capacity: fc.integer({ min: 1, max: 50 }),
    limit: fc.integer({ min: 1, max: 60 }),
    windowMs: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({
    capacity: fc.integer({ min: 1, max: 1e15 }),
    limit: fc.integer({ min: 1, max: 1e15 }),
    windowMs: fc.constantFrom(1_000, 60_000, HOUR_MS, 744 * HOUR_MS),
  }),
);

const anyElapsedMs = fc.oneof(
  fc.integer({ min: 0, max: 30 }),
  fc.constantFrom(60_000, HOUR_MS, 744 * HOUR_MS),
);

/** Amounts as thousandths of the capacity, so that one list of steps suits every shape. */
type Step =
  | { readonly kind: 'wait'; readonly elapsedMs: number }
  | { readonly kind: 'charge' | 'more'; readonly permille: number }
  | { readonly kind: 'close'; readonly which: number; readonly usedPermille: number }
  | { readonly kind: 'reshape'; readonly capacityPermille: number; readonly limitPermille: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), elapsedMs: anyElapsedMs }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('charge' as const), permille: fc.nat({ max: 1_000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('close' as const),
      which: fc.nat(),
      usedPermille: fc.nat({ max: 1_300 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('more' as const), permille: fc.nat({ max: 900 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('reshape' as const),
      capacityPermille: fc.integer({ min: 1, max: 2_000 }),
      limitPermille: fc.integer({ min: 1, max: 2_000 }),
    }),
  },
);

const share = (whole: number, permille: number): number => Math.floor((whole / 1_000) * permille);

/** A bucket and its twin. */
class Pair {
  readonly table = new BucketTable();
  readonly twin: DumbBucket;
  readonly slot: number;
  nowMs = 0;
  #shape: BucketShape;
  readonly #open: { readonly mark: number; readonly call: DumbCall }[] = [];

  constructor(shape: BucketShape) {
    this.#shape = shape;
    this.slot = this.table.allocate(shape, shape.capacity, 0);
    this.twin = new DumbBucket(shape, shape.capacity, 0);
  }

  get level(): number {
    return this.table.levelOf(this.slot);
  }

  do(step: Step): void {
    if (step.kind === 'wait') this.nowMs += step.elapsedMs;
    this.table.refill(this.slot, this.nowMs);
    switch (step.kind) {
      case 'charge':
        this.#charge(share(this.#shape.capacity, step.permille));
        break;
      case 'more':
        this.#chargeMore(share(this.#shape.capacity, step.permille));
        break;
      case 'close':
        this.#close(step.which, step.usedPermille);
        break;
      case 'reshape':
        this.#reshape(step.capacityPermille, step.limitPermille);
        break;
    }
  }

  #charge(amount: number): void {
    this.#open.push({
      mark: chargeMarked(this.table, this.slot, amount),
      call: this.twin.charge(amount, this.nowMs),
    });
  }

  #chargeMore(amount: number): void {
    this.table.chargeMore(this.slot, amount);
    this.twin.charge(amount, this.nowMs);
  }

  #close(which: number, usedPermille: number): void {
    const [one] = this.#open.splice(which % Math.max(1, this.#open.length), 1);
    if (one === undefined) return;
    const used = share(one.call.reserved, usedPermille);
    this.table.close(this.slot, one.mark, one.call.reserved, used);
    this.twin.settle(one.call, used, this.nowMs);
  }

  #reshape(capacityPermille: number, limitPermille: number): void {
    const { capacity, limit, windowMs } = this.#shape;
    this.#shape = {
      capacity: Math.min(1e15, share(capacity, capacityPermille) + 1),
      limit: Math.min(1e15, share(limit, limitPermille) + 1),
      windowMs,
    };
    this.table.reshape(this.slot, this.#shape, this.nowMs);
    this.twin.reshape(this.#shape, this.nowMs);
  }
}

/** Plays the steps on a bucket and on its twin; `check` runs after each. */
function play(shape: BucketShape, steps: readonly Step[], check: (pair: Pair) => void): void {
  const pair = new Pair(shape);
  for (const step of steps) {
    pair.do(step);
    check(pair);
  }
}

describe('a token bucket', () => {
  it('has exactly the level that the whole past gives, under charges, refunds, debt and new numbers', () => {
    fc.assert(
      fc.property(anyShape, fc.array(anyStep, { maxLength: 60 }), (shape, steps) => {
        play(shape, steps, ({ level, twin, nowMs }) => expect(level).toBe(twin.level(nowMs)));
      }),
      { numRuns: 600 },
    );
  });

  it('earns the same however often it is asked', () => {
    fc.assert(
      fc.property(
        anyShape,
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 100 }),
        (shape, gapsMs) => {
          const table = new BucketTable();
          const asked = table.allocate(shape, 0, 0);
          const left = table.allocate(shape, 0, 0);
          let nowMs = 0;
          for (const gapMs of gapsMs) {
            nowMs += gapMs;
            table.refill(asked, nowMs);
          }
          table.refill(left, nowMs);
          expect(table.levelOf(asked)).toBe(table.levelOf(left));
          expect(table.waitMs(asked, shape.capacity)).toBe(table.waitMs(left, shape.capacity));
        },
      ),
    );
  });

  it('announces the least wait that is enough: one millisecond less is not', () => {
    fc.assert(
      fc.property(
        anyShape,
        fc.array(anyStep, { maxLength: 20 }),
        fc.integer({ min: 1, max: 1_000 }),
        (shape, steps, permille) => {
          play(shape, steps, ({ table, slot, twin, nowMs }) => {
            const amount = Math.max(1, share(table.capacityOf(slot), permille));
            const waitMs = table.waitMs(slot, amount);
            // Beyond that, 285,000 years, a double has no single milliseconds.
            if (!Number.isSafeInteger(nowMs + waitMs)) return;
            expect(twin.level(nowMs + waitMs)).toBeGreaterThanOrEqual(amount);
            if (waitMs > 0) expect(twin.level(nowMs + waitMs - 1)).toBeLessThan(amount);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    { shape: { capacity: 10, limit: 0, windowMs: 1_000 }, amount: 1, level: 0 },
    { shape: { capacity: 10, limit: 5, windowMs: 1_000 }, amount: 11, level: 10 },
    { shape: { capacity: 10, limit: 0, windowMs: 0 }, amount: 1, level: 0 },
  ])('says never when no wait helps: $shape', ({ shape, amount, level }) => {
    const table = new BucketTable();
    const slot = table.allocate(shape, level, 0);
    expect(table.waitMs(slot, amount)).toBe(Number.POSITIVE_INFINITY);
  });

  it('does not run when the clock goes back', () => {
    const table = new BucketTable();
    const slot = table.allocate({ capacity: 10, limit: 1, windowMs: 1 }, 0, 100);
    table.refill(slot, 105);
    table.refill(slot, 50);
    expect(table.levelOf(slot)).toBe(5);
    table.refill(slot, 105);
    expect(table.levelOf(slot)).toBe(5);
  });

  it('starts with no more than its capacity', () => {
    const table = new BucketTable();
    const slot = table.allocate({ capacity: 10, limit: 1, windowMs: 1 }, 99, 0);
    expect(table.levelOf(slot)).toBe(10);
  });
});

describe('a gauge', () => {
  it('holds what is taken until it is given back, whatever the time', () => {
    const table = new BucketTable();
    const slot = table.allocate({ capacity: 2, limit: 0, windowMs: 0 }, 2, 0);
    const first = chargeMarked(table, slot, 1);
    chargeMarked(table, slot, 1);
    table.refill(slot, 1e9);
    expect(table.levelOf(slot)).toBe(0);
    table.close(slot, first, 1, 0);
    expect(table.levelOf(slot)).toBe(1);
  });

  it('keeps what is in use when its maximum changes', () => {
    const table = new BucketTable();
    const slot = table.allocate({ capacity: 3, limit: 0, windowMs: 0 }, 3, 0);
    const marks = [1, 2, 3].map(() => chargeMarked(table, slot, 1));
    table.reshape(slot, { capacity: 1, limit: 0, windowMs: 0 }, 0);
    expect(table.levelOf(slot)).toBe(-2);
    for (const mark of marks) table.close(slot, mark, 1, 0);
    expect(table.levelOf(slot)).toBe(1);
  });
});

describe('a table of buckets', () => {
  it('gives every bucket its own state while it grows and slots are used again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 300, maxLength: 700 }),
        (capacities) => {
          const table = new BucketTable();
          const slots = capacities.map((capacity) =>
            table.allocate({ capacity, limit: 1, windowMs: 1_000 }, capacity, 0),
          );
          expect(new Set(slots).size).toBe(capacities.length);
          const marks = slots.map((slot) => chargeMarked(table, slot, 1));
          slots.forEach((slot, i) => {
            expect(table.levelOf(slot)).toBe((capacities[i] ?? 0) - 1);
            table.close(slot, marks[i] ?? 0, 1, 0);
            expect(table.isForgettable(slot, 0)).toBe(true);
            table.release(slot);
          });
          expect(table.size).toBe(0);
          const again = table.allocate({ capacity: 7, limit: 1, windowMs: 1_000 }, 3, 5);
          expect(slots).toContain(again);
          expect(table.levelOf(again)).toBe(3);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('never forgets a bucket that is not full or has an open reservation', () => {
    const table = new BucketTable();
    const slot = table.allocate({ capacity: 10, limit: 1, windowMs: 1_000 }, 10, 0);
    const mark = chargeMarked(table, slot, 0);
    expect(table.isForgettable(slot, 0)).toBe(false);
    expect(() => table.release(slot)).toThrow('open reservations');
    table.close(slot, mark, 0, 0);
    table.chargeMore(slot, 1);
    expect(table.isForgettable(slot, 999)).toBe(false);
    expect(table.isForgettable(slot, 1_000)).toBe(true);
  });

  it('refuses to change the window of a bucket, which would change what its fraction means', () => {
    const table = new BucketTable();
    const slot = table.allocate({ capacity: 10, limit: 1, windowMs: 1_000 }, 10, 0);
    expect(() => table.reshape(slot, { capacity: 10, limit: 1, windowMs: 2_000 }, 0)).toThrow('window');
  });
});
