// Time as a port. Decisions use monotonic time only; the wall clock is for display, calendars, and for noticing that
// the machine slept (on Linux monotonic time stands still during suspend, the wall clock does not).

import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Whole monotonic milliseconds since an arbitrary moment; never goes back. */
  nowMs(): number;
  /** Whole milliseconds since 1970 by the wall clock; may jump either way. */
  wallMs(): number;
}

/** Both clocks, read at the same moment. */
export type ClockReading = { readonly nowMs: number; readonly wallMs: number };

/** A gap between the clocks above this is a suspend. */
export const SUSPEND_GAP_MS = 1_000;

/** The clock of this process. */
export function createClock(): Clock {
  return {
    nowMs: () => Math.floor(performance.now()),
    wallMs: () => Date.now(),
  };
}

/** Both clocks now. */
export function readClock(clock: Clock): ClockReading {
  return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
}

/**
 * Whether the machine slept between two readings: the wall clock went ahead of monotonic time by more than a second.
 * A wall clock that is set forward looks the same and is treated the same, which is safe: what expires, expires early.
 * A wall clock that is set back is no suspend.
 */
export function wasSuspended(earlier: ClockReading, later: ClockReading): boolean {
  const wallGapMs = later.wallMs - earlier.wallMs;
  const monotonicGapMs = later.nowMs - earlier.nowMs;
  return wallGapMs - monotonicGapMs > SUSPEND_GAP_MS;
}
