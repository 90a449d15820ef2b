import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BucketShape, BucketTable } from '../../../core/engine/bucket-table.ts';
import { MAX_CLASSES } from '../../../core/engine/refund-history.ts';
import { DumbBucket, type DumbCall } from './dumb-bucket.ts';
import { chargeMarked } from './marked-charge.ts';

/** Calls that come one by one and end in any order. */
type Schedule = {
  readonly shape: BucketShape;
  readonly calls: readonly {
    readonly gapMs: number;
    readonly amount: number;
    readonly usedPermille: number;
  }[];
  /** Which of the open calls ends next, and how long after the last one. */
  readonly ends: readonly { readonly which: number; readonly gapMs: number }[];
};

const scheduleOf = (calls: { minLength: number; maxLength: number }): fc.Arbitrary<Schedule> =>
  fc
    .record({
      capacity: fc.integer({ min: 50, max: 2_000 }),
      limit: fc.integer({ min: 1, max: 500 }),
      windowMs: fc.constantFrom(7, 100, 1_000, 60_000),
    })
    .chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        calls: fc.array(
          fc.record({
            gapMs: fc.nat({ max: 20 }),
            amount: fc.nat({ max: Math.ceil(shape.capacity / 10) }),
            usedPermille: fc.nat({ max: 1_000 }),
          }),
          calls,
        ),
        ends: fc.array(fc.record({ which: fc.nat(), gapMs: fc.nat({ max: 50 }) }), { minLength: 1 }),
      }),
    );

/** Admits every call that fits, then lets all of them end; `check` sees real and true level after every refund. */
function play({ shape, calls, ends }: Schedule, check: (level: number, truth: number) => void): void {
  const table = new BucketTable();
  const slot = table.allocate(shape, shape.capacity, 0);
  const twin = new DumbBucket(shape, shape.capacity, 0);
  const open: { mark: number; used: number; call: DumbCall }[] = [];
  let nowMs = 0;
  for (const { gapMs, amount, usedPermille } of calls) {
    nowMs += gapMs;
    table.refill(slot, nowMs);
    if (amount > table.levelOf(slot)) continue;
    const used = Math.floor((amount * usedPermille) / 1_000);
    open.push({ mark: chargeMarked(table, slot, amount), used, call: twin.charge(amount, nowMs) });
  }
  for (let i = 0; open.length > 0; i++) {
    const { which, gapMs } = ends[i % ends.length] ?? { which: 0, gapMs: 0 };
    nowMs += gapMs;
    table.refill(slot, nowMs);
    const [one] = open.splice(which % open.length, 1);
    if (one === undefined) return;
    table.close(slot, one.mark, one.call.reserved, one.used);
    twin.settle(one.call, one.used, nowMs);
    check(table.levelOf(slot), twin.level(nowMs));
  }
}

describe('a refund', () => {
  it('leaves the level that the actual cost, charged at admission, would have left', () => {
    fc.assert(
      fc.property(scheduleOf({ minLength: 1, maxLength: MAX_CLASSES }), (schedule) => {
        play(schedule, (level, truth) => expect(level).toBe(truth));
      }),
      { numRuns: 400 },
    );
  });

  it('never leaves more than that, however many calls are open', () => {
    fc.assert(
      fc.property(scheduleOf({ minLength: 3 * MAX_CLASSES, maxLength: 400 }), (schedule) => {
        play(schedule, (level, truth) => expect(level).toBeLessThanOrEqual(truth));
      }),
      { numRuns: 200 },
    );
  });

  it('gives back too little by at most a sixteenth of the bucket, and never too much, when more calls are open than it keeps apart', () => {
    fc.assert(
      fc.property(
        fc.record({
          shape: fc.record({
            capacity: fc.constant(10_000),
            limit: fc.integer({ min: 1, max: 100 }),
            windowMs: fc.constant(60_000),
          }),
          // One call a millisecond: each is in a class of its own.
          calls: fc.array(
            fc.record({
              gapMs: fc.integer({ min: 1, max: 3 }),
              amount: fc.integer({ min: 10, max: 100 }),
              usedPermille: fc.constantFrom(0, 300, 600, 900),
            }),
            { minLength: 200, maxLength: 400 },
          ),
          ends: fc.array(fc.record({ which: fc.nat(), gapMs: fc.nat({ max: 2 }) }), { minLength: 50 }),
        }),
        (schedule) => {
          play(schedule, (level, truth) => {
            expect(level).toBeGreaterThanOrEqual(truth - 10_000 / 16);
            expect(level).toBeLessThanOrEqual(truth);
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps closed calls apart from an old one that hangs, without losing any of its refund', () => {
    const table = new BucketTable();
    const shape = { capacity: 1_000, limit: 1, windowMs: 1_000 };
    const slot = table.allocate(shape, 1_000, 0);
    const twin = new DumbBucket(shape, 1_000, 0);
    const hanging = { mark: chargeMarked(table, slot, 500), call: twin.charge(500, 0) };
    for (let nowMs = 1; nowMs <= 10 * MAX_CLASSES; nowMs++) {
      table.refill(slot, nowMs);
      const mark = chargeMarked(table, slot, 1);
      twin.charge(1, nowMs);
      table.close(slot, mark, 1, 1);
    }
    table.close(slot, hanging.mark, 500, 0);
    twin.settle(hanging.call, 0, 10 * MAX_CLASSES);
    expect(table.levelOf(slot)).toBe(twin.level(10 * MAX_CLASSES));
  });

  it('of 100 calls that hung for a window gives back what the bucket would still hold: nothing beyond its size', () => {
    const table = new BucketTable();
    const slot = table.allocate({ capacity: 100, limit: 100, windowMs: 60_000 }, 100, 0);
    const hanging = Array.from({ length: 100 }, () => chargeMarked(table, slot, 1));
    table.refill(slot, 60_000);
    const next = Array.from({ length: 100 }, () => chargeMarked(table, slot, 1));
    for (const mark of hanging) table.close(slot, mark, 1, 0);
    expect(table.levelOf(slot)).toBe(0);
    for (const mark of next) table.close(slot, mark, 1, 0);
    expect(table.levelOf(slot)).toBe(100);
  });
});
