import { describe, expect, it } from 'vitest';
import { createEventLoopDelay } from '../../runtime/event-loop-delay.ts';

describe('the delay of the event loop', () => {
  it('is nothing at first, then shows a block once, and starts anew', async () => {
    const read = createEventLoopDelay();
    expect(read()).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
    // Its own timer has to fire before the block and after it.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const untilMs = performance.now() + 300;
    while (performance.now() < untilMs);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(read().maxMs).toBeGreaterThan(200);
    expect(read().maxMs).toBeLessThan(200);
  });
});
