// Every metric of the sidecar in one table. docs/metrics.md is made from it (scripts/generate-metrics-docs.ts).
// A policy is written `namespace/name`; a model is its family, never the name that a caller wrote.

import { CALL_KINDS } from '../core/call.ts';
import { DENY_CLASSES, type Reason } from '../core/refusal.ts';
import type { EventLoopDelay } from '../runtime/event-loop-delay.ts';
import type { MetricDefinition } from '../runtime/metric-definition.ts';
import type { Counter, Gauge, Histogram, Telemetry } from '../runtime/telemetry.ts';
import { DECISION_OUTCOMES, SETTLE_OUTCOMES } from './ledger-line.ts';

/** `none`: no answer was sent, because the caller had gone. */
const STATUS_CLASSES = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;

/** Reasons of refusals that no limit caused, but what was sent. */
export const BAD_INPUT_REASONS = [
  'MALFORMED_REQUEST',
  'UNKNOWN_ROUTE',
  'BODY_TOO_LARGE',
  'IDENTITY_INVALID',
] as const satisfies readonly Reason[];

export const METRICS = {
  decisions: {
    name: 'flyball_decisions_total',
    type: 'counter',
    unit: '',
    labels: {
      policy: 'open',
      limit: 'open',
      outcome: DECISION_OUTCOMES,
      class: [...DENY_CLASSES, 'none'],
    },
    doc: 'Decisions by the limit that bound them (both labels are `none` where no limit did); `shadow` would have been a refusal if enforced; `aborted`: its caller left while it was held',
  },
  calls: {
    name: 'flyball_calls_total',
    type: 'counter',
    unit: '',
    labels: { upstream: 'open', kind: CALL_KINDS, outcome: SETTLE_OUTCOMES, status: STATUS_CLASSES },
    doc: 'Finished calls by outcome and class of the status that the caller got',
  },
  tokens: {
    name: 'flyball_tokens_total',
    type: 'counter',
    unit: '',
    labels: {
      agent: 'open',
      upstream: 'open',
      model: 'open',
      direction: ['input', 'cache_read', 'cache_write', 'output'],
    },
    doc: 'Tokens of settled calls, as the provider reported them or else as estimated',
  },
  spend: {
    name: 'flyball_spend_micros_total',
    type: 'counter',
    unit: '',
    labels: { agent: 'open', upstream: 'open', model: 'open' },
    doc: 'Spend of settled calls in millionths of a US dollar',
  },
  warnings: {
    name: 'flyball_limit_warnings_total',
    type: 'counter',
    unit: '',
    labels: { policy: 'open', limit: 'open', band: 'open' },
    doc: 'Buckets that reached a band of `warnAt` (in percent), each once until it has recovered',
  },
  estimateError: {
    name: 'flyball_estimate_error_ratio',
    type: 'histogram',
    unit: '',
    labels: { direction: ['input', 'output'], text: ['prose', 'code', 'non_ascii'] },
    buckets: [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10],
    doc: 'Distance between estimated and reported tokens as a share of the reported, by what most of the input was',
  },
  addedLatency: {
    name: 'flyball_added_latency_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: { kind: CALL_KINDS },
    buckets: [0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
    doc: 'Time from the parsed request to its dispatch, without the time it was held',
  },
  holdTime: {
    name: 'flyball_hold_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: { outcome: ['admitted', 'refused', 'aborted'] },
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60],
    doc: 'Time that calls were held, by how the hold ended',
  },
  openReservations: {
    name: 'flyball_open_reservations',
    type: 'gauge',
    unit: '',
    labels: {},
    doc: 'Admitted calls that are not settled yet',
  },
  concurrencyInUse: {
    name: 'flyball_concurrency_in_use',
    type: 'gauge',
    unit: '',
    labels: { policy: 'open', limit: 'open' },
    doc: 'Slots in use of each concurrency limit, over all its keys',
  },
  buckets: {
    name: 'flyball_buckets',
    type: 'gauge',
    unit: '',
    labels: {},
    doc: 'Buckets in the table, each the state of one limit for one key',
  },
  overflowBuckets: {
    name: 'flyball_overflow_buckets',
    type: 'gauge',
    unit: '',
    labels: {},
    doc: 'Buckets that stand for all keys beyond a bound',
  },
  heldCalls: {
    name: 'flyball_held_calls',
    type: 'gauge',
    unit: '',
    labels: {},
    doc: 'Calls that are being held now',
  },
  upstreamFailures: {
    name: 'flyball_upstream_failures_total',
    type: 'counter',
    unit: '',
    labels: { upstream: 'open', reason: ['unreachable', 'timeout', 'broken'] },
    doc: 'Calls whose upstream was dead, silent for too long, or broke off',
  },
  badInput: {
    name: 'flyball_bad_input_total',
    type: 'counter',
    unit: '',
    labels: { reason: BAD_INPUT_REASONS },
    doc: 'Requests refused because they could not be understood or governed',
  },
  policyRevision: {
    name: 'flyball_policy_revision',
    type: 'gauge',
    unit: '',
    labels: { policy: 'open' },
    doc: 'Revision of each policy in force',
  },
  policyLoadFailures: {
    name: 'flyball_policy_load_failures_total',
    type: 'counter',
    unit: '',
    labels: {},
    doc: 'Changes of policies that were not taken because they were broken; the last good revision stays in force',
  },
  ledgerLinesDropped: {
    name: 'flyball_ledger_lines_dropped_total',
    type: 'counter',
    unit: '',
    labels: {},
    doc: 'Ledger lines that were not written, because the disk was too slow or the pipe closed',
  },
  residentMemory: {
    name: 'flyball_process_resident_memory_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: {},
    doc: 'Resident memory of this process',
  },
  eventLoopDelay: {
    name: 'flyball_event_loop_delay_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: { statistic: ['p50', 'p99', 'max'] },
    doc: 'How late the event loop ran since the previous scrape; zeros at the first one',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

type InstrumentOf<D extends MetricDefinition> = D['type'] extends 'counter'
  ? Counter<D['labels']>
  : D['type'] extends 'gauge'
    ? Gauge<D['labels']>
    : Histogram<D['labels']>;

/** An instrument for each row of the table, under the name of its row. */
export type Metrics = { readonly [Name in keyof typeof METRICS]: InstrumentOf<(typeof METRICS)[Name]> };

/** Defines every metric of the table. Once per Telemetry. */
export function createMetrics(telemetry: Telemetry): Metrics {
  const instruments = Object.entries(METRICS).map(([name, definition]) => [
    name,
    create(telemetry, definition),
  ]);
  // Each row went through the constructor of its own type, which the entries of an object cannot express.
  return Object.fromEntries(instruments) as Metrics;
}

function create(telemetry: Telemetry, definition: MetricDefinition): unknown {
  switch (definition.type) {
    case 'counter':
      return telemetry.counter(definition);
    case 'gauge':
      return telemetry.gauge(definition);
    case 'histogram':
      return telemetry.histogram(definition);
  }
}

/** Connects the gauges that are about the process itself. */
export function observeProcess(metrics: Metrics, readEventLoopDelay: () => EventLoopDelay): void {
  metrics.residentMemory.observe((set) => set({}, process.memoryUsage.rss()));
  metrics.eventLoopDelay.observe((set) => {
    const delay = readEventLoopDelay();
    set({ statistic: 'p50' }, delay.p50Ms / 1_000);
    set({ statistic: 'p99' }, delay.p99Ms / 1_000);
    set({ statistic: 'max' }, delay.maxMs / 1_000);
  });
}

/** The label value for an HTTP status; 0 stands for no answer. */
export function toStatusClass(status: number): (typeof STATUS_CLASSES)[number] {
  return STATUS_CLASSES[Math.floor(status / 100) - 2] ?? 'none';
}
