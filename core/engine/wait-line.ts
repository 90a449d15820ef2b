// Which wait a refused caller is told. The n-th caller refused on a bucket is told the n-th place in its line, so that
// callers who obey do not come back together and collide.

import type { Slot } from './bucket-table.ts';

/** Promises kept per bucket. Beyond it callers are told the end of the line, which then stays where it is. */
export const MAX_PROMISES = 1_024;

/** A place that nobody came for is open again this long after its time. */
export const PROMISE_EXPIRY_MS = 5_000;

/**
 * Places are this much further apart than the bucket earns them. A bucket that holds just one call loses what it earns
 * while a caller is late; the slack pays for that. N callers refused together are all through after 1.1 N places plus
 * one jitter, below the 1.25 N that backpressure.md allows.
 */
const SPACING = 1.1;

/** Jitter is upward only and at most this share of one place, and never above 5 s. */
const JITTER_SHARE = 0.1;
const MAX_JITTER_MS = 5_000;

type Line = {
  endMs: number;
  /** When each refused caller was told to come back. In order of refusal. */
  readonly dueMs: Map<number, number>;
};

/** The places promised to refused callers, by bucket. */
export class WaitLine {
  readonly #lines = new Map<Slot, Line>();

  /**
   * The time at which this caller should come back, in whole milliseconds on the caller's clock.
   *
   * `earliestMs` is when the bucket could serve it if nobody else came; `placeMs` how long the bucket earns its cost.
   * A caller that comes back early is told the same time again; one that came in time and was refused nevertheless goes
   * to the head of the line. `callerHash` names the caller (a 32-bit number).
   */
  promise(
    slot: Slot,
    caller: { readonly callerHash: number; readonly earliestMs: number; readonly placeMs: number },
    nowMs: number,
  ): number {
    const line = this.#lineOf(slot, nowMs);
    const { callerHash, earliestMs, placeMs } = caller;
    const jitterMs = Math.floor(
      Math.min(placeMs * JITTER_SHARE, MAX_JITTER_MS) * ((callerHash >>> 0) / 2 ** 32),
    );
    const promisedMs = line.dueMs.get(callerHash);
    if (promisedMs !== undefined) {
      if (nowMs < promisedMs) return promisedMs;
      line.dueMs.delete(callerHash);
      line.dueMs.set(callerHash, earliestMs + jitterMs);
      return earliestMs + jitterMs;
    }
    const placedMs = Math.max(earliestMs, Math.ceil(line.endMs + placeMs * SPACING));
    if (line.dueMs.size >= MAX_PROMISES) return placedMs + jitterMs;
    line.endMs = placedMs;
    line.dueMs.set(callerHash, placedMs + jitterMs);
    return placedMs + jitterMs;
  }

  /** The bucket is gone. */
  forget(slot: Slot): void {
    this.#lines.delete(slot);
  }

  /** Drops the lines whose last place has expired. */
  sweep(nowMs: number): void {
    for (const [slot, line] of this.#lines)
      if (line.endMs + PROMISE_EXPIRY_MS < nowMs) this.#lines.delete(slot);
  }

  #lineOf(slot: Slot, nowMs: number): Line {
    const line = this.#lines.get(slot);
    if (line !== undefined) {
      for (const [callerHash, dueMs] of line.dueMs) {
        if (dueMs + PROMISE_EXPIRY_MS >= nowMs) break;
        line.dueMs.delete(callerHash);
      }
      return line;
    }
    const created: Line = { endMs: Number.NEGATIVE_INFINITY, dueMs: new Map() };
    this.#lines.set(slot, created);
    return created;
  }
}
