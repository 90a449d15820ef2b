import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeldCall, HoldQueue, MAX_SUBJECTS } from '../../../core/engine/hold-queue.ts';
import { costOf, createCall } from '../sample-rules.ts';
import { DumbFairQueue } from './dumb-fair-queue.ts';

function createHeld(subject: string, deadlineMs = 1_000): HeldCall {
  return {
    call: createCall(),
    cost: costOf({ Requests: 1 }),
    metering: 'complete',
    subject,
    callerHash: 0,
    joinedAtMs: 0,
    deadlineMs,
  };
}

type Step =
  | { readonly kind: 'join'; readonly subject: number; readonly amount: number }
  | { readonly kind: 'serve' }
  | { readonly kind: 'leave'; readonly which: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      subject: fc.nat({ max: 3 }),
      amount: fc.integer({ min: 1, max: 50 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'serve' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
);

function expectFairOrder(steps: readonly Step[]): void {
  const queue = new HoldQueue();
  const twin = new DumbFairQueue();
  const amounts = new Map<HeldCall, number>();
  for (const step of steps) {
    const waiting = twin.order();
    if (step.kind === 'join') {
      const held = createHeld(`s${step.subject}`);
      amounts.set(held, step.amount);
      queue.join(7, held, step.amount);
      twin.join(held, step.amount);
    }
    const leaving =
      step.kind === 'serve'
        ? waiting[0]
        : step.kind === 'leave'
          ? waiting[step.which % waiting.length]
          : undefined;
    if (leaving !== undefined) {
      expect(queue.leave(leaving)).toBe(true);
      expect(queue.leave(leaving)).toBe(false);
      twin.leave(leaving);
    }
    const expected = twin.order();
    expect(queue.head(7)).toBe(expected[0]);
    expect(queue.length(7)).toBe(expected.length);
    expect(queue.size).toBe(expected.length);
    expect(queue.hasLine(7)).toBe(expected.length > 0);
    expect(queue.heldAmount(7)).toBe(expected.reduce((sum, held) => sum + (amounts.get(held) ?? 0), 0));
  }
}

describe('a line of held calls', () => {
  it('is in the order of start-time fair queueing', () => {
    fc.assert(fc.property(fc.array(anyStep, { maxLength: 60 }), expectFairOrder), { numRuns: 500 });
  });

  it('serves a subject with many calls and one with a single call in turn', () => {
    const queue = new HoldQueue();
    const many = Array.from({ length: 10 }, () => createHeld('many'));
    for (const held of many) queue.join(0, held, 5);
    const single = createHeld('single');
    queue.join(0, single, 5);
    queue.leave(many[0] ?? single);
    expect(queue.head(0)).toBe(single);
  });

  it('gives a subject that returns no credit for the time it was away', () => {
    const queue = new HoldQueue();
    const busy = Array.from({ length: 6 }, () => createHeld('busy'));
    for (const held of busy) queue.join(0, held, 10);
    for (const held of busy.slice(0, 4)) queue.leave(held);
    for (let i = 0; i < 3; i++) queue.join(0, createHeld('away'), 10);
    const order: string[] = [];
    for (let held = queue.head(0); held !== undefined; held = queue.head(0)) {
      order.push(held.subject);
      queue.leave(held);
    }
    expect(order).toEqual(['away', 'busy', 'away', 'busy', 'away']);
  });

  it('tries a head at once when it has changed, by joining in front or by leaving', () => {
    const queue = new HoldQueue();
    const first = createHeld('a');
    const second = createHeld('a');
    queue.join(0, first, 5);
    queue.tryAt(0, 500);
    queue.join(0, second, 5);
    expect(queue.dueSlots(0)).toEqual([]);
    expect(queue.nextWakeMs()).toBe(500);
    queue.leave(first);
    expect(queue.dueSlots(0)).toEqual([0]);
    queue.tryAt(0, 700);
    queue.join(0, createHeld('b'), 1);
    expect(queue.head(0)?.subject).toBe('b');
    expect(queue.dueSlots(0)).toEqual([0]);
  });

  it('keeps the age of a call that moves to the line of another bucket', () => {
    const queue = new HoldQueue();
    const [old, young] = [createHeld('old'), createHeld('young')];
    queue.join(1, old, 5);
    queue.join(2, young, 5);
    queue.move(2, old, 3);
    expect(queue.head(2)).toBe(old);
    expect(queue.hasLine(1)).toBe(false);
    expect(queue.heldAmount(2)).toBe(8);
    queue.leave(old);
    expect(() => queue.move(1, old, 5)).toThrow('not held');
  });

  it('finds exactly the calls whose deadline has come, and never wakes later than the next one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ deadlineMs: fc.nat({ max: 100 }), leaves: fc.boolean() }), { maxLength: 30 }),
        (calls) => {
          const queue = new HoldQueue();
          const held = calls.map(({ deadlineMs }) => createHeld('s', deadlineMs));
          held.forEach((one, i) => {
            queue.join(i % 3, one, 1);
            queue.tryAt(i % 3, Number.POSITIVE_INFINITY);
          });
          held.forEach((one, i) => {
            if (calls[i]?.leaves) queue.leave(one);
          });
          for (const slot of queue.slots()) queue.tryAt(slot, Number.POSITIVE_INFINITY);
          for (let nowMs = 0; nowMs <= 101; nowMs += 10) {
            const left = held.filter((one, i) => !calls[i]?.leaves && one.deadlineMs > nowMs - 10);
            const soonest = Math.min(...left.map((one) => one.deadlineMs));
            expect(queue.nextWakeMs()).toBeLessThanOrEqual(soonest);
            const expired = queue.expired(nowMs);
            expect(new Set(expired)).toEqual(new Set(left.filter((one) => one.deadlineMs <= nowMs)));
            for (const one of expired) queue.leave(one);
          }
          expect(queue.size).toBe(0);
          expect(queue.nextWakeMs()).toBe(Number.POSITIVE_INFINITY);
        },
      ),
    );
  });

  it('remembers a bounded number of subjects, however many pass through a line that never empties', () => {
    const queue = new HoldQueue();
    const stays = createHeld('stays');
    queue.join(0, stays, 1_000_000);
    for (let i = 0; i < 3 * MAX_SUBJECTS; i++) {
      const held = createHeld(`s${i}`);
      queue.join(0, held, 1);
      queue.leave(held);
    }
    expect(queue.subjects(0)).toBe(MAX_SUBJECTS);
  });
});
