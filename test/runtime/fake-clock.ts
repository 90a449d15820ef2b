// A clock that stands still until a test moves it.

import type { Clock } from '../../runtime/clock.ts';

export interface FakeClock extends Clock {
  /** Both clocks go on. */
  advance(ms: number): void;
  /** The machine sleeps: the wall clock goes on, monotonic time does not. */
  suspend(ms: number): void;
  /** Somebody sets the wall clock. */
  setWall(wallMs: number): void;
}

/** Starts at 0 monotonic and at a fixed moment of 2026 by the wall clock. */
export function createFakeClock(): FakeClock {
  let nowMs = 0;
  let wallMs = 1_764_000_000_000;
  return {
    nowMs: () => nowMs,
    wallMs: () => wallMs,
    advance(ms) {
      nowMs += ms;
      wallMs += ms;
    },
    suspend(ms) {
      wallMs += ms;
    },
    setWall(newWallMs) {
      wallMs = newWallMs;
    },
  };
}
