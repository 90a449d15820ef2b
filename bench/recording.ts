// What does it cost to write a call down: its id, its two ledger lines, its metrics?
//
// The peer is JSON.stringify of the same two records, which is the least a ledger of objects would cost. The lines also
// go into the ring that `explain` reads. Run: npx --no-install node bench/recording.ts

import type { Call } from '../core/call.ts';
import type { Violation } from '../core/refusal.ts';
import { createClock } from '../runtime/clock.ts';
import { createTelemetry } from '../runtime/telemetry.ts';
import { createDecisionIds } from '../sidecar/decision-id.ts';
import { createLedger } from '../sidecar/ledger.ts';
import type { Decision, Settlement } from '../sidecar/ledger-line.ts';
import { createMetrics } from '../sidecar/metrics.ts';
import { leastNanoseconds } from './least-nanoseconds.ts';
import { printRatio, printTable } from './report.ts';

const WALL_MS = 1_764_000_000_000;

const tightest: Violation = {
  policy: { namespace: 'agents', name: 'code-review', revision: 3 },
  limit: 'tokens-per-user',
  unit: 'TotalTokens',
  per: ['user'],
  quota: 10_000,
  windowSeconds: 3_600,
  remaining: 1_234,
  requested: 500,
};
const calls: readonly Call[] = Array.from({ length: 1_000 }, (_, at) => ({
  kind: 'LLM',
  tenant: 'agents',
  agent: 'code-review',
  user: `user-${at % 100}@example.com`,
  session: `5f1b3c1e-9a53-4d6e-8a3c-${String(at).padStart(12, '0')}`,
  tool: 'unknown',
  toolNames: [],
  model: 'gpt-4.1-mini',
  upstream: 'openai',
  pod: 'code-review-7d5b9c-x2x4z',
}));

const numbers = calls.map((_, at) => at);

function decisionOf(id: string, at: number): Decision {
  const call = calls[at % calls.length] ?? calls[0];
  if (call === undefined) throw new Error('no calls');
  return {
    id,
    wallMs: WALL_MS + at,
    revision: 12,
    outcome: 'allow',
    call,
    refusal: undefined,
    tightest,
    heldMs: 0,
  };
}

function settlementOf(id: string, at: number): Settlement {
  return {
    id,
    wallMs: WALL_MS + at + 843,
    outcome: 'ok',
    status: 200,
    reason: undefined,
    usage: { inputTokens: 812, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 120 + (at % 50) },
    costMicros: 1_234 + (at % 999),
    estimated: false,
    durationMs: 843,
    origin: 'upstream',
  };
}

const ids = createDecisionIds(WALL_MS);
let writtenChars = 0;
const ledger = createLedger({
  write: (lines) => {
    writtenChars += Buffer.byteLength(lines);
    return true;
  },
  capacity: 10_000,
  flushMs: 100,
  onDropped: () => {},
});
const metrics = createMetrics(createTelemetry(createClock()));
const latency = metrics.addedLatency.at({ kind: 'LLM' });

const idNs = leastNanoseconds(numbers, () => ids.next().length);
const ledgerNs = leastNanoseconds(numbers, (at) => {
  const id = ids.next();
  ledger.decide(decisionOf(id, at));
  ledger.settle(settlementOf(id, at));
  return writtenChars;
});
const stringifyNs = leastNanoseconds(numbers, (at) => {
  const id = ids.next();
  return JSON.stringify(decisionOf(id, at)).length + JSON.stringify(settlementOf(id, at)).length;
});
const counterNs = leastNanoseconds(numbers, (at) => {
  const outcome = at % 4 === 0 ? 'deny' : 'allow';
  const series = metrics.decisions.at({
    policy: 'agents/code-review',
    limit: 'tokens',
    outcome,
    class: 'none',
  });
  series.add(1);
  return series.value;
});
const histogramNs = leastNanoseconds(numbers, (at) => {
  latency.record((at % 400) / 1_000_000);
  return latency.sum;
});

printTable(
  ['', 'ns'],
  [
    ['decision id', idNs.toFixed(0)],
    ['decision and settlement into the ledger', ledgerNs.toFixed(0)],
    ['JSON.stringify of both', stringifyNs.toFixed(0)],
    ['counter with four labels', counterNs.toFixed(0)],
    ['histogram, series kept', histogramNs.toFixed(0)],
  ],
);
printRatio('ledger_vs_json_stringify', ledgerNs / stringifyNs);
