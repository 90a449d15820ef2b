// Stopping in order: what was started last is stopped first, each within its own grace and all within one.
// Signals are wired by `main.ts`; this file knows nothing of them.

import type { Clock } from './clock.ts';

/** A part that did not stop cleanly: it failed, or it was still busy when its time was up. */
type StopFailure = { readonly name: string; readonly error: unknown };

export interface Lifecycle {
  /** True from the first call of `stop` on: `/readyz` says no, new work is refused. */
  readonly stopping: boolean;
  /**
   * Registers how to stop a part that has just been started. `stop` waits for it at most `graceMs`.
   * Throws once stopping has begun, so that a late start fails instead of being forgotten.
   */
  onStop(name: string, stop: () => void | Promise<void>, graceMs: number): void;
  /**
   * Stops every part in the reverse order of registration and returns what went wrong; never rejects. A part that
   * hangs is left behind; once `graceMs` is used up the rest is still asked to stop, but not waited for.
   * Further calls return the promise of the first.
   */
  stop(graceMs: number): Promise<readonly StopFailure[]>;
}

type Part = { readonly name: string; readonly stop: () => void | Promise<void>; readonly graceMs: number };

export function createLifecycle(clock: Clock): Lifecycle {
  const parts: Part[] = [];
  let stopped: Promise<readonly StopFailure[]> | undefined;
  return {
    get stopping() {
      return stopped !== undefined;
    },
    onStop(name, stop, graceMs) {
      if (stopped !== undefined) throw new Error(`${name} was started while the process stops`);
      parts.push({ name, stop, graceMs });
    },
    stop(graceMs) {
      // Starts in a later microtask, so that a part which asks while it is stopped already sees `stopping`.
      stopped ??= Promise.resolve().then(() => stopAll(parts, clock, clock.nowMs() + graceMs));
      return stopped;
    },
  };
}

async function stopAll(
  parts: readonly Part[],
  clock: Clock,
  deadlineMs: number,
): Promise<readonly StopFailure[]> {
  const failures: StopFailure[] = [];
  for (const part of parts.toReversed()) {
    const graceMs = Math.max(0, Math.min(part.graceMs, deadlineMs - clock.nowMs()));
    try {
      await within(graceMs, part);
    } catch (error) {
      failures.push({ name: part.name, error });
    }
  }
  return failures;
}

async function within(graceMs: number, part: Part): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${part.name} did not stop within ${graceMs} ms`)), graceMs);
  });
  try {
    await Promise.race([part.stop(), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
