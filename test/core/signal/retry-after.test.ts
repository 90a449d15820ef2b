import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { announcedWait, classOfWait, toRetryAfter } from '../../../core/signal/retry-after.ts';
import { anyWaitMs } from './refusals.ts';

describe('toRetryAfter', () => {
  it.each([
    [0, 1, 1],
    [-5, 1, 1],
    [Number.NaN, 1, 1],
    [0.2, 1, 1],
    [1, 1, 1],
    [999.1, 1, 1000],
    [1000, 1, 1000],
    [1000.1, 2, 1001],
    [3141, 4, 3141],
    [59_000, 59, 59_000],
    [Number.POSITIVE_INFINITY, 2_147_483_647, 2_147_483_647_000],
  ])('announces %d ms as %d s and %d ms', (waitMs, seconds, ms) => {
    expect(toRetryAfter(waitMs)).toEqual({ seconds, ms });
  });

  it('gives whole numbers of at least 1, and never fewer seconds than milliseconds', () => {
    fc.assert(
      fc.property(anyWaitMs, (waitMs) => {
        const { seconds, ms } = toRetryAfter(waitMs);
        expect(Number.isSafeInteger(seconds) && seconds >= 1).toBe(true);
        expect(Number.isSafeInteger(ms) && ms >= 1).toBe(true);
        expect(seconds * 1000).toBeGreaterThanOrEqual(ms);
        expect(seconds * 1000 - ms).toBeLessThan(1000);
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('classOfWait', () => {
  it.each([
    [1, 'THROTTLED'],
    [58_000.5, 'THROTTLED'],
    [59_000, 'THROTTLED'],
    [59_000.001, 'DEFERRED'],
    [60_000, 'DEFERRED'],
    [Number.POSITIVE_INFINITY, 'DEFERRED'],
  ])('%d ms is %s', (waitMs, denyClass) => {
    expect(classOfWait(waitMs)).toBe(denyClass);
  });
});

describe('announcedWait', () => {
  it('stays within 1 to 5 s for UNAVAILABLE', () => {
    fc.assert(
      fc.property(anyWaitMs, (waitMs) => {
        const wait = announcedWait({ class: 'UNAVAILABLE', waitMs });
        expect(wait?.ms).toBeGreaterThanOrEqual(1000);
        expect(wait?.ms).toBeLessThanOrEqual(5000);
      }),
    );
  });

  it('is never shorter than the wait of a THROTTLED or DEFERRED refusal', () => {
    fc.assert(
      fc.property(fc.constantFrom('THROTTLED' as const, 'DEFERRED'), anyWaitMs, (denyClass, waitMs) => {
        fc.pre(waitMs < 2e12);
        expect(announcedWait({ class: denyClass, waitMs })?.ms).toBeGreaterThanOrEqual(waitMs);
      }),
    );
  });

  it.each([
    'EXHAUSTED',
    'TOO_LARGE',
    'FORBIDDEN',
    'INVALID',
    'UNAUTHENTICATED',
    'UPSTREAM_FAILED',
  ] as const)('is absent for %s, whatever wait is given', (denyClass) => {
    expect(announcedWait({ class: denyClass, waitMs: 5000 })).toBeUndefined();
  });
});
