// Waits for a state that no event announces.

import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 5;
const DEADLINE_MS = 20_000;

/** Resolves to the first reading that is accepted; rejects with the last one when that takes too long. */
export async function until<T>(read: () => T | Promise<T>, accept: (reading: T) => boolean): Promise<T> {
  const endMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const reading = await read();
    if (accept(reading)) return reading;
    if (performance.now() > endMs) {
      throw new Error(
        `not reached within ${DEADLINE_MS} ms; the last reading was ${JSON.stringify(reading)}`,
      );
    }
    await pause(POLL_MS);
  }
}
