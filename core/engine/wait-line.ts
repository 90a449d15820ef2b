// Which wait a refused caller is told. Callers refused on a bucket are told places one behind the other, so that those
// who obey do not come back together and collide.
//
// A line plays its bucket ahead: from the real level now, through every promise in the order of their times, to the
// moment at which the bucket would be empty after all of them (the theoretical arrival time of GCRA). What a newcomer
// took, a refund gave back or a caller never came for is thus in the next answer. A bucket earns nothing beyond its size
// while a caller is awaited, so one without room to spare is played as empty at the caller's time, not before.

import type { Slot } from './bucket-table.ts';

/** Promises kept per bucket. Beyond it callers are told the end of the line, which then stays where it is. */
export const MAX_PROMISES = 1_024;

/** A caller that comes later than this after its time is a newcomer again. */
export const PROMISE_EXPIRY_MS = 5_000;

/** Callers may be late by a tenth of their place before the bucket lacks what they did not take in time. */
const SPACING = 1.1;

/**
 * Jitter is upward only and at most this share of one place, and never above 5 s. With the spacing, N callers refused
 * together are all told a time within 1.2 N places (and a millisecond each where places are that short); 1.25 N is what
 * backpressure.md allows.
 */
const JITTER_SHARE = 0.1;
const MAX_JITTER_MS = 5_000;

/** More than the error of the arithmetic here, less than the millisecond in which times are told. */
const ROUNDING_MS = 1e-3;

/** What a refused caller asks of a bucket, and how the bucket stands. Milliseconds; fractions are kept. */
export type WantedPlace = {
  /** Names the caller: a 32-bit number. */
  readonly callerHash: number;
  readonly amount: number;
  /** Before this time the call cannot pass whoever else stays away. A guess, such as the wait for a gauge, is none. */
  readonly leastMs: number;
  /** When the bucket could serve it if nobody else was promised a place. */
  readonly earliestMs: number;
  /** Since when the bucket has been empty, had it earned all it holds since then; later than now for debt. */
  readonly emptyAtMs: number;
  readonly msPerUnit: number;
  /** How long the bucket earns its size; Infinity where lateness loses nothing. */
  readonly capacityMs: number;
};

type Promised = {
  readonly callerHash: number;
  readonly amount: number;
  readonly dueMs: number;
  /** It came in time once and was refused nevertheless. */
  readonly isReturning: boolean;
};

type Line = {
  /** Ascending by time. */
  readonly promises: Promised[];
  readonly byCaller: Map<number, Promised>;
};

/** The places promised to refused callers, by bucket. */
export class WaitLine {
  readonly #lines = new Map<Slot, Line>();

  /**
   * The time at which this caller should come back, in whole milliseconds.
   *
   * A caller that comes back early is told the same time again, unless it now asks for more. One that came in time and
   * was refused nevertheless, because somebody without a promise took what it counted on, is told the first time at
   * which the others leave it enough.
   */
  promise(slot: Slot, wanted: WantedPlace, nowMs: number): number {
    const line = this.#lineOf(slot, nowMs);
    const { callerHash, amount } = wanted;
    const promised = line.byCaller.get(callerHash);
    if (promised !== undefined && nowMs < promised.dueMs && wanted.leastMs <= promised.dueMs) {
      return promised.dueMs;
    }
    if (promised !== undefined) take(line, promised);
    const isReturning = promised !== undefined;
    const gapMs = isReturning ? firstGapMs(line, wanted, nowMs) : undefined;
    const dueMs =
      gapMs === undefined
        ? Math.max(wanted.earliestMs, Math.ceil(endMs(line, wanted, nowMs))) + jitterMs(wanted)
        : Math.max(wanted.earliestMs, Math.ceil(gapMs));
    if (line.promises.length < MAX_PROMISES) add(line, { callerHash, amount, dueMs, isReturning });
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
    const line = this.#lines.get(slot);
    const promised = line?.byCaller.get(callerHash);
    if (line === undefined || promised === undefined) return;
    take(line, promised);
    if (line.promises.length === 0) this.#lines.delete(slot);
  }

  /** The bucket is gone or has other numbers: what was promised says nothing any more. */
  forget(slot: Slot): void {
    this.#lines.delete(slot);
  }

  /** Drops promises that have expired. */
  sweep(nowMs: number): void {
    for (const [slot, line] of this.#lines) {
      dropExpired(line, nowMs);
      if (line.promises.length === 0) this.#lines.delete(slot);
    }
  }

  #lineOf(slot: Slot, nowMs: number): Line {
    const line = this.#lines.get(slot);
    if (line !== undefined) {
      dropExpired(line, nowMs);
      return line;
    }
    const created: Line = { promises: [], byCaller: new Map() };
    this.#lines.set(slot, created);
    return created;
  }
}

/** When the bucket holds the amount behind everybody who was promised a place. */
function endMs(line: Line, { amount, earliestMs, ...bucket }: WantedPlace, nowMs: number): number {
  if (line.promises.length === 0) return earliestMs;
  let emptyMs = bucket.emptyAtMs;
  for (const promised of line.promises) emptyMs = emptyAfter(promised, { ...bucket, emptyMs, nowMs });
  return emptyMs + amount * bucket.msPerUnit * SPACING;
}

/**
 * When the bucket first holds the amount before somebody else comes for it; undefined where that would fail a caller who
 * was put off once already. Whoever was not can be put off once.
 */
function firstGapMs(line: Line, { amount, ...bucket }: WantedPlace, nowMs: number): number | undefined {
  const placeMs = amount * bucket.msPerUnit;
  let gapMs: number | undefined;
  let emptyMs = bucket.emptyAtMs;
  for (const promised of line.promises) {
    if (gapMs === undefined && emptyMs + placeMs <= promised.dueMs) {
      gapMs = emptyMs + placeMs;
      emptyMs = gapMs;
    }
    emptyMs = emptyAfter(promised, { ...bucket, emptyMs, nowMs });
    if (gapMs !== undefined && promised.isReturning && emptyMs > promised.dueMs + ROUNDING_MS)
      return undefined;
  }
  return gapMs;
}

/** When the bucket would be empty after this promise, if it would be at `emptyMs` before. */
function emptyAfter(
  { amount, dueMs }: Promised,
  at: {
    readonly emptyMs: number;
    readonly nowMs: number;
    readonly msPerUnit: number;
    readonly capacityMs: number;
  },
): number {
  return Math.max(at.emptyMs, Math.max(at.nowMs, dueMs) - at.capacityMs) + amount * at.msPerUnit;
}

function jitterMs({ amount, msPerUnit, callerHash }: WantedPlace): number {
  const most = Math.min(amount * msPerUnit * JITTER_SHARE, MAX_JITTER_MS);
  return Math.floor(most * ((callerHash >>> 0) / 2 ** 32));
}

function add(line: Line, promised: Promised): void {
  let at = line.promises.length;
  while (at > 0 && (line.promises[at - 1] as Promised).dueMs > promised.dueMs) at--;
  line.promises.splice(at, 0, promised);
  line.byCaller.set(promised.callerHash, promised);
}

function take(line: Line, promised: Promised): void {
  line.promises.splice(line.promises.indexOf(promised), 1);
  line.byCaller.delete(promised.callerHash);
}

function dropExpired(line: Line, nowMs: number): void {
  let expired = 0;
  for (const { callerHash, dueMs } of line.promises) {
    if (dueMs + PROMISE_EXPIRY_MS >= nowMs) break;
    line.byCaller.delete(callerHash);
    expired += 1;
  }
  if (expired > 0) line.promises.splice(0, expired);
}
