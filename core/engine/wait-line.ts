// Which wait a refused caller is told. Callers refused on a bucket are told places one behind the other, so that those
// who obey do not come back together and collide.
//
// A line plays its bucket ahead: `emptyAtMs` is when the bucket would be empty if everybody who was promised a place
// came for it (the theoretical arrival time of GCRA). The next caller's cost is earned from there on. A bucket cannot
// earn beyond its size while a caller is late, so a place whose bucket has no room to spare begins where the caller
// comes, not where it could have come.

import type { Slot } from './bucket-table.ts';

/** Promises kept per bucket. Beyond it callers are told the end of the line, which then stays where it is. */
export const MAX_PROMISES = 1_024;

/** A caller that comes later than this after its time is a newcomer again. */
export const PROMISE_EXPIRY_MS = 5_000;

/** Places are this much further apart than the bucket earns them: it pays for callers that come a little late. */
const SPACING = 1.1;

/**
 * Jitter is upward only and at most this share of one place, and never above 5 s. With the spacing, N callers refused
 * together are all told a time within 1.2 N places (and a millisecond each where places are that short); 1.25 N is what
 * backpressure.md allows.
 */
const JITTER_SHARE = 0.1;
const MAX_JITTER_MS = 5_000;

/** What a refused caller needs of its bucket. Milliseconds; fractions are kept. */
export type WantedPlace = {
  /** Names the caller: a 32-bit number. */
  readonly callerHash: number;
  /** Before this time the call cannot pass whoever else stays away. A guess, such as the wait for a gauge, is none. */
  readonly leastMs: number;
  /** When the bucket could serve it if nobody else came. */
  readonly earliestMs: number;
  /** How long the bucket earns its cost. */
  readonly placeMs: number;
  /** How long the full bucket earned what it has beyond this cost; Infinity where lateness loses nothing. */
  readonly spareMs: number;
};

type Line = {
  emptyAtMs: number;
  /** When each refused caller was told to come back. In order of refusal. */
  readonly dueMs: Map<number, number>;
};

/** The places promised to refused callers, by bucket. */
export class WaitLine {
  readonly #lines = new Map<Slot, Line>();

  /**
   * The time at which this caller should come back, in whole milliseconds.
   *
   * A caller that comes back early is told the same time again, unless it now asks for more. One that came in time and
   * was refused nevertheless goes to the head of the line.
   */
  promise(slot: Slot, wanted: WantedPlace, nowMs: number): number {
    const line = this.#lineOf(slot, nowMs);
    const { callerHash, leastMs, earliestMs, placeMs } = wanted;
    const promisedMs = line.dueMs.get(callerHash);
    if (promisedMs === undefined) return this.#place(line, wanted);
    if (nowMs < promisedMs && leastMs <= promisedMs) return promisedMs;
    const dueMs = earliestMs + jitterMs(wanted);
    line.dueMs.delete(callerHash);
    line.dueMs.set(callerHash, dueMs);
    // Somebody else took its place, so the line is really longer.
    line.emptyAtMs = Math.max(line.emptyAtMs + placeMs, earliestMs);
    return dueMs;
  }

  /** Buckets with a line. */
  get size(): number {
    return this.#lines.size;
  }

  /** Is anybody promised a place at this bucket? */
  has(slot: Slot): boolean {
    return this.#lines.has(slot);
  }

  /** The caller was served: its next call is a newcomer. */
  keep(slot: Slot, callerHash: number): void {
    this.#lines.get(slot)?.dueMs.delete(callerHash);
  }

  /** The bucket is gone or has other numbers: what was promised says nothing any more. */
  forget(slot: Slot): void {
    this.#lines.delete(slot);
  }

  /** Drops the lines whose last place has expired. */
  sweep(nowMs: number): void {
    for (const [slot, line] of this.#lines) {
      dropExpired(line, nowMs);
      if (line.dueMs.size === 0 && line.emptyAtMs < nowMs) this.#lines.delete(slot);
    }
  }

  #place(line: Line, wanted: WantedPlace): number {
    const { callerHash, earliestMs, placeMs, spareMs } = wanted;
    const servedMs = Math.max(earliestMs, line.emptyAtMs + placeMs * SPACING);
    const dueMs = Math.ceil(servedMs) + jitterMs(wanted);
    if (line.dueMs.size < MAX_PROMISES) {
      line.emptyAtMs = Math.max(servedMs, dueMs - spareMs);
      line.dueMs.set(callerHash, dueMs);
    }
    return dueMs;
  }

  #lineOf(slot: Slot, nowMs: number): Line {
    const line = this.#lines.get(slot);
    if (line !== undefined) {
      dropExpired(line, nowMs);
      return line;
    }
    const created: Line = { emptyAtMs: Number.NEGATIVE_INFINITY, dueMs: new Map() };
    this.#lines.set(slot, created);
    return created;
  }
}

function jitterMs({ placeMs, callerHash }: WantedPlace): number {
  return Math.floor(Math.min(placeMs * JITTER_SHARE, MAX_JITTER_MS) * ((callerHash >>> 0) / 2 ** 32));
}

function dropExpired(line: Line, nowMs: number): void {
  for (const [callerHash, dueMs] of line.dueMs) {
    if (dueMs + PROMISE_EXPIRY_MS >= nowMs) return;
    line.dueMs.delete(callerHash);
  }
}
