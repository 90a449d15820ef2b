import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../runtime/clock.ts';
import { createTelemetry } from '../../runtime/telemetry.ts';
import type { SettledCall } from '../../sidecar/call-observer.ts';
import { CallRecorder } from '../../sidecar/call-recorder.ts';
import { createMetrics } from '../../sidecar/metrics.ts';
import { UsageTotals } from '../../sidecar/usage-totals.ts';
import { CALL } from './ledger-samples.ts';

const SETTLED: Omit<SettledCall, 'id'> = {
  call: CALL,
  outcome: 'complete',
  status: 200,
  failure: undefined,
  usage: undefined,
  spendMicros: undefined,
  estimated: false,
  estimateError: undefined,
  durationMs: 1,
};
const DECIDED = {
  call: CALL,
  revision: 1,
  refusal: undefined,
  charged: undefined,
  shadow: undefined,
  decidingMs: 0,
};

/** A recorder and the lines it has written, each as what happened to which call. */
function record(): { recorder: CallRecorder; lines: string[] } {
  const clock = createClock();
  const lines: string[] = [];
  const recorder = new CallRecorder({
    ledger: {
      decide: ({ id, outcome }) => lines.push(`${outcome} ${id}`),
      settle: ({ id }) => lines.push(`settle ${id}`),
      find: () => undefined,
      flush: () => undefined,
      close: () => undefined,
    },
    metrics: createMetrics(createTelemetry(clock)),
    totals: new UsageTotals(),
    clock,
    warnings: () => [],
    warned: () => undefined,
    tightest: () => undefined,
  });
  return { recorder, lines };
}

describe('what happens to calls', () => {
  it('is written down at the end of the turn of the event loop, in its order', async () => {
    const { recorder, lines } = record();
    recorder.decided({ id: 'a', heldMs: 0, ...DECIDED });
    recorder.abandoned({ id: 'b', heldMs: 2, call: CALL, revision: 1 });
    recorder.settled({ id: 'a', ...SETTLED });
    expect(lines).toEqual([]);
    await turn();
    expect(lines).toEqual(['allow a', 'aborted b', 'settle a']);
    recorder.decided({ id: 'c', heldMs: 3, ...DECIDED });
    await turn();
    expect(lines.slice(3)).toEqual(['hold c']);
  });

  it('is written down before that where somebody asks for it, and then only once', async () => {
    const { recorder, lines } = record();
    recorder.decided({ id: 'a', heldMs: 0, ...DECIDED });
    recorder.flush();
    expect(lines).toEqual(['allow a']);
    recorder.settled({ id: 'a', ...SETTLED });
    await turn();
    expect(lines).toEqual(['allow a', 'settle a']);
  });
});
