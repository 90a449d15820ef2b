// How long calls under a concurrency limit take: the basis of the wait announced when all slots are taken.

import type { Slot } from './bucket-table.ts';

/** Assumed until a call has ended. */
const INITIAL_MS = 1_000;

/** Weight of the newest call in the moving average. */
const ALPHA = 0.2;

/** Exponentially weighted mean of service times, by gauge. */
export class ServiceTime {
  readonly #meanMs = new Map<Slot, number>();

  /** A call under this gauge took this long. */
  learn(slot: Slot, tookMs: number): void {
    const mean = this.#meanMs.get(slot);
    this.#meanMs.set(slot, mean === undefined ? tookMs : mean + ALPHA * (tookMs - mean));
  }

  /** Expected milliseconds of the next call. */
  ofMs(slot: Slot): number {
    return this.#meanMs.get(slot) ?? INITIAL_MS;
  }

  /** The gauge is gone. */
  forget(slot: Slot): void {
    this.#meanMs.delete(slot);
  }
}
