// Agents cancel streams as a routine: no cancelled call may leave anything behind.

import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createProvider, type Provider } from '../../../examples/provider/provider.ts';
import { policyOf } from '../governed.ts';
import { type SidecarProcess, startSidecarProcess } from '../sidecar-process.ts';
import { until } from '../until.ts';
import { readGauges, readMetric, untilNothingOpen } from './books.ts';
import { chatBody } from './chat.ts';

const ABORTS = 10_000;
const AT_ONCE = 64;
/** Before the figures are taken: what is warm after so many is not a leak. */
const WARM_UP = 1_000;
const MAX_HEAP_GROWTH_BYTES = 3 * 1_024 * 1_024;

const POLICIES = policyOf([
  '{name: requests, per: [user], unit: Requests, rates: [{limit: 1M, window: 1h}]}',
  '{name: tokens, per: [user], unit: TotalTokens, rates: [{limit: 1000M, window: 1h}]}',
  '{name: slots, unit: Concurrency, max: 50, onLimit: {action: Hold, maxWait: 30s}}',
]);

let provider: Provider;
let sidecar: SidecarProcess;
afterEach(async () => {
  await sidecar.close();
  await provider.close();
});

/** Where in its life a call is left. */
type Point = 'at-once' | 'after-the-head' | 'after-some-events';
const POINTS: readonly Point[] = ['at-once', 'after-the-head', 'after-some-events'];

/** Starts a stream that would never end and leaves it; resolves when our side of the connection is closed. */
function abortOne(point: Point, body: string): Promise<void> {
  return new Promise((resolve) => {
    const call = request(`${sidecar.openaiBaseUrl}/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        'x-provider-fault': 'stall:4',
      },
    });
    call.on('error', () => undefined).on('close', resolve);
    call.on('response', (response) => {
      response.on('error', () => undefined);
      if (point === 'after-the-head') call.destroy();
      let seen = '';
      response.on('data', (chunk: Buffer) => {
        seen += chunk.toString('latin1');
        if (seen.split('data: ').length > 3) call.destroy();
      });
    });
    call.end(body, () => {
      if (point === 'at-once') call.destroy();
    });
  });
}

async function abortMany(count: number): Promise<void> {
  const body = JSON.stringify(chatBody({ stream: true }));
  let left = count;
  const work = async (worker: number): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await abortOne(POINTS[(left + worker) % POINTS.length] ?? 'at-once', body);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => work(worker)));
  await untilNothingOpen(sidecar);
  await provider.meter.idle();
}

describe(`${ABORTS} aborted streams`, () => {
  it('leave every gauge at zero and the memory flat', { timeout: 240_000 }, async ({ annotate }) => {
    provider = await createProvider();
    sidecar = await startSidecarProcess(POLICIES, { openai: provider.openaiBaseUrl });
    await abortMany(WARM_UP);
    const before = await sidecar.measure();
    await abortMany(ABORTS);
    // Timers of the HTTP client let go of closed connections within a second.
    const after = await until(
      () => sidecar.measure(),
      ({ heapBytes }) => heapBytes - before.heapBytes < MAX_HEAP_GROWTH_BYTES,
    );
    const aborted = await readMetric(sidecar, 'flyball_calls_total', { outcome: 'aborted' });
    const { calls, cut, completed } = provider.meter.total();
    await annotate(
      `heap ${before.heapBytes} -> ${after.heapBytes}, resident ${before.residentBytes} -> ${after.residentBytes} bytes; ` +
        `${aborted} calls aborted, ${calls} reached the provider`,
    );
    expect(completed).toBe(0);
    expect(cut).toBe(calls);
    // The others were left before they were read.
    expect(aborted).toBeGreaterThan(0.6 * ABORTS);
    expect(await readGauges(sidecar)).toEqual([0, 0, 0]);
  });
});
