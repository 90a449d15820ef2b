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

const ROUNDS = 9;
const CALLS_PER_ROUND = 100_000;
const WALL_MS = 1_764_000_000_000;

/** Nanoseconds a call in the fastest round; `work` returns a number so that nothing is optimised away. */
function leastNanoseconds(work: (call: number) => number): number {
  let least = Number.POSITIVE_INFINITY;
  let sink = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedNs = process.hrtime.bigint();
    for (let call = 0; call < CALLS_PER_ROUND; call += 1) sink += work(call);
    least = Math.min(least, Number(process.hrtime.bigint() - startedNs) / CALLS_PER_ROUND);
  }
  if (!(sink > 0)) throw new Error('nothing was recorded');
  return least;
}

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

const idNs = leastNanoseconds(() => ids.next().length);
const ledgerNs = leastNanoseconds((at) => {
  const id = ids.next();
  ledger.decide(decisionOf(id, at));
  ledger.settle(settlementOf(id, at));
  return writtenChars;
});
const stringifyNs = leastNanoseconds((at) => {
  const id = ids.next();
  return JSON.stringify(decisionOf(id, at)).length + JSON.stringify(settlementOf(id, at)).length;
});
const counterNs = leastNanoseconds((at) => {
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
const histogramNs = leastNanoseconds((at) => {
  latency.record((at % 400) / 1_000_000);
  return latency.sum;
});

console.log(`decision id                             ${idNs.toFixed(0)} ns`);
console.log(`decision and settlement into the ledger ${ledgerNs.toFixed(0)} ns`);
console.log(`JSON.stringify of both                  ${stringifyNs.toFixed(0)} ns`);
console.log(`counter with four labels                ${counterNs.toFixed(0)} ns`);
console.log(`histogram, series kept                  ${histogramNs.toFixed(0)} ns`);
console.log(`ratio ledger-over-json-stringify ${(ledgerNs / stringifyNs).toFixed(2)}`);
