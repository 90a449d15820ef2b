// How late the event loop runs, from the first time somebody asks: a process that nobody scrapes has no timer for it.

import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Delay beyond the sampling interval in milliseconds, since the previous reading. */
export type EventLoopDelay = { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };

const RESOLUTION_MS = 20;
const NANOS_PER_MS = 1_000_000;

/** A function that returns the delay since its previous call; zeros the first time. */
export function createEventLoopDelay(): () => EventLoopDelay {
  let histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  const beyondResolution = (nanos: number): number => Math.max(0, nanos / NANOS_PER_MS - RESOLUTION_MS);
  return () => {
    if (histogram === undefined) {
      histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      histogram.enable();
      return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    }
    const delay = {
      p50Ms: beyondResolution(histogram.percentile(50)),
      p99Ms: beyondResolution(histogram.percentile(99)),
      maxMs: beyondResolution(histogram.max),
    };
    histogram.reset();
    return delay;
  };
}
