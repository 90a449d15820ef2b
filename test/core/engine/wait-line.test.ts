import { describe, expect, it } from 'vitest';
import { PROMISE_EXPIRY_MS, WaitLine, type WantedPlace } from '../../../core/engine/wait-line.ts';

/** A bucket of 10 that earns one unit a second and was empty at `emptyAtMs`. */
function want(callerHash: number, amount: number, emptyAtMs: number): WantedPlace {
  const earliestMs = emptyAtMs + 1_000 * amount;
  const bucket = { emptyAtMs, msPerUnit: 1_000, capacityMs: 10_000 };
  return { callerHash, amount, leastMs: earliestMs, earliestMs, ...bucket };
}

const [A, B, C] = [1, 2, 3];

describe('a line of promises', () => {
  it('tells the first caller when the bucket holds its cost, and the next ones what is earned behind', () => {
    const line = new WaitLine();
    expect(line.promise(0, want(A, 5, 0), 0)).toBe(5_000);
    expect(line.promise(0, want(B, 5, 0), 0)).toBe(5_000 + 5_500);
    expect(line.promise(1, want(C, 5, 0), 0)).toBe(5_000);
  });

  it('spreads callers by their number, upward and by at most a tenth of their place', () => {
    const dues = [0, 2 ** 31, 2 ** 32 - 1].map((hash) => new WaitLine().promise(0, want(hash, 5, 0), 0));
    expect(dues).toEqual([5_000, 5_250, 5_499]);
    expect(new WaitLine().promise(0, { ...want(2 ** 32 - 1, 5, 0), msPerUnit: 1e9 }, 0)).toBe(5_000 + 4_999);
  });

  it('tells a caller that was put off the first gap that is wide enough', () => {
    const line = new WaitLine();
    line.promise(0, want(A, 2, 0), 0);
    line.promise(0, want(B, 5, 0), 0);
    // Somebody without a promise took what A counted on: B, who was not put off yet, comes at 7,500.
    expect(line.promise(0, want(A, 2, 2_000), 2_000)).toBe(4_000);
  });

  it('sends a caller that was put off to the end where no gap is wide enough', () => {
    const line = new WaitLine();
    line.promise(0, want(A, 5, 0), 0);
    line.promise(0, want(B, 2, 0), 0);
    expect(line.promise(0, want(A, 5, 5_000), 5_000)).toBe(7_000 + 5_500);
  });

  it('never puts off a caller a second time for another one', () => {
    const line = new WaitLine();
    line.promise(0, want(A, 5, 0), 0);
    expect(line.promise(0, want(B, 2, 0), 0)).toBe(7_200);
    expect(line.promise(0, want(A, 5, 5_000), 5_000)).toBe(12_500);
    // B fits before A, but then A, who was put off before, would find too little at 12,500.
    expect(line.promise(0, want(B, 2, 7_200), 7_200)).toBe(12_200 + 2_200);
  });

  it('forgets a caller that did not come, and one that was served', () => {
    const line = new WaitLine();
    line.promise(0, want(A, 5, 0), 0);
    line.promise(0, want(B, 5, 0), 0);
    line.keep(0, A);
    expect(line.promise(0, want(C, 1, 0), 0)).toBe(5_500 + 1_100);
    line.sweep(10_500 + PROMISE_EXPIRY_MS);
    expect(line.has(0)).toBe(true);
    line.sweep(10_501 + PROMISE_EXPIRY_MS);
    expect(line.size).toBe(0);
  });
});
