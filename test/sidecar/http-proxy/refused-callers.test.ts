import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusedCallers } from '../../../sidecar/http-proxy/refused-callers.ts';

const FIRST = { digest: 1, connection: 1, repeats: 0 };
const REPEAT = { digest: 1, connection: 2, repeats: 1 };

describe('a caller that counts its repeats', () => {
  it('is known again on another connection', () => {
    const callers = new RefusedCallers();
    const number = callers.numberOf(FIRST, 0);
    callers.expect(FIRST, number, 500);
    expect(callers.numberOf(REPEAT, 500)).toBe(number);
    expect(callers.size).toBe(0);
  });

  it('is another one with each first call, on the same connection too', () => {
    const callers = new RefusedCallers();
    const number = callers.numberOf(FIRST, 0);
    callers.expect(FIRST, number, 500);
    expect(callers.numberOf(FIRST, 1)).not.toBe(number);
    expect(callers.size).toBe(1);
  });

  it('is whoever is due first where several make the same call', () => {
    const callers = new RefusedCallers();
    callers.expect(FIRST, 10, 900);
    callers.expect(FIRST, 20, 500);
    callers.expect(FIRST, 30, 700);
    expect([1, 2, 3].map(() => callers.numberOf(REPEAT, 600))).toEqual([20, 30, 10]);
  });

  it('is nobody known when it makes another call', () => {
    const callers = new RefusedCallers();
    callers.expect(FIRST, 10, 500);
    expect(callers.numberOf({ ...REPEAT, digest: 2 }, 500)).not.toBe(10);
    expect(callers.size).toBe(1);
  });

  it('is a newcomer when it comes more than 5 s late', () => {
    const callers = new RefusedCallers();
    callers.expect(FIRST, 10, 500);
    callers.expect(FIRST, 20, 501);
    expect(callers.numberOf(REPEAT, 5_501)).toBe(20);
    expect(callers.numberOf(REPEAT, 5_501)).not.toBe(10);
    expect(callers.size).toBe(0);
  });
});

describe('a caller that does not count', () => {
  const uncounted = { digest: 1, connection: 1, repeats: undefined };

  it('is its connection and its call', () => {
    const callers = new RefusedCallers();
    const number = callers.numberOf(uncounted, 0);
    expect(callers.numberOf(uncounted, 1)).toBe(number);
    expect(callers.numberOf({ ...uncounted, connection: 2 }, 1)).not.toBe(number);
    expect(callers.numberOf({ ...uncounted, digest: 2 }, 1)).not.toBe(number);
  });

  it('is not remembered', () => {
    const callers = new RefusedCallers();
    callers.expect(uncounted, callers.numberOf(uncounted, 0), 500);
    expect(callers.size).toBe(0);
  });
});

describe('the memory of refused callers', () => {
  it('is bounded', () => {
    const callers = new RefusedCallers();
    for (let digest = 0; digest < 10_000; digest += 1) {
      callers.expect({ ...FIRST, digest }, digest, 500);
      expect(callers.size).toBeLessThanOrEqual(4_096);
    }
  });

  it('gives what a plain list gives, in any order of refusals and repeats', () => {
    const step = fc.record({
      digest: fc.nat(2),
      repeats: fc.constantFrom(0, 1),
      waitMs: fc.nat(8_000),
      passedMs: fc.nat(3_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const callers = new RefusedCallers();
        const list = new PlainList();
        let nowMs = 0;
        for (const { digest, repeats, waitMs, passedMs } of steps) {
          nowMs += passedMs;
          const call = { digest, connection: 1, repeats };
          const known = repeats > 0 ? list.take(digest, nowMs) : undefined;
          const number = callers.numberOf(call, nowMs);
          if (known === undefined) expect(list.callers()).not.toContain(number);
          else expect(number).toBe(known);
          callers.expect(call, number, nowMs + waitMs);
          list.add({ digest, caller: number, dueMs: nowMs + waitMs });
          expect(callers.size).toBe(list.callers().length);
        }
      }),
    );
  });
});

type Refused = { readonly digest: number; readonly caller: number; readonly dueMs: number };

/** The dumb twin. */
class PlainList {
  #list: Refused[] = [];

  add(refused: Refused): void {
    this.#list.push(refused);
  }

  callers(): number[] {
    return this.#list.map(({ caller }) => caller);
  }

  take(digest: number, nowMs: number): number | undefined {
    this.#list = this.#list.filter((one) => one.digest !== digest || one.dueMs + 5_000 >= nowMs);
    const sameCall = this.#list.filter((one) => one.digest === digest);
    const due = sameCall.sort((a, b) => a.dueMs - b.dueMs)[0];
    this.#list = this.#list.filter((one) => one !== due);
    return due?.caller;
  }
}
