// One sidecar, put together: policies in, calls through, records out.

import { readFile } from 'node:fs/promises';
import type { Warning } from '../core/decide.ts';
import { Estimator } from '../core/estimate/estimator.ts';
import { planPolicySet, policyOf } from '../core/policy/plan.ts';
import { parsePriceTable } from '../core/price/parse-price-table.ts';
import type { PriceTable } from '../core/price/price-table.ts';
import { LIST_PRICES } from '../core/price/prices.ts';
import { policyLabel } from '../core/refusal.ts';
import { type Clock, createClock } from '../runtime/clock.ts';
import { createEventLoopDelay } from '../runtime/event-loop-delay.ts';
import { createLifecycle } from '../runtime/lifecycle.ts';
import { createLineWriter } from '../runtime/line-writer.ts';
import type { Log } from '../runtime/log.ts';
import { Problem } from '../runtime/problem.ts';
import { createTelemetry } from '../runtime/telemetry.ts';
import { CallRecorder } from './call-recorder.ts';
import { createDecisionIds } from './decision-id.ts';
import { Governor } from './governor.ts';
import { createHealthServer } from './health-server.ts';
import { HttpProxy } from './http-proxy/http-proxy.ts';
import type { Workload } from './identity.ts';
import { createLedger, type LedgerEntry } from './ledger.ts';
import { type LimitsView, toLimitsView, type ViewQuery } from './limits-view.ts';
import { createMetrics, type Metrics, observeProcess } from './metrics.ts';
import { createModelMeter } from './model-meter.ts';
import type { PolicyLoad, PolicySource } from './policy-source.ts';
import type { SidecarSettings } from './settings.ts';
import { openUpstreams } from './upstream-table.ts';
import { type UsageRow, UsageTotals } from './usage-totals.ts';

/** What a sidecar is made of beside its settings. */
export type SidecarParts = {
  readonly source: PolicySource;
  readonly workload: Workload;
  readonly log: Log;
  /** Address of the health port: loopback beside a command, all addresses where a kubelet must reach it. */
  readonly healthHost: string;
  /** Where the built-in upstreams are, by name; settings may replace them. */
  readonly upstreams: ReadonlyMap<string, URL>;
  /** Told when a bucket reaches a band of `warnAt`, once per band. */
  limitWarned(warning: Warning): void;
  /** Told after every change of policies, and when one was refused. */
  policiesChanged(load: PolicyLoad, revision: number): void;
};

/** A running sidecar. */
export type Sidecar = {
  readonly port: number;
  readonly healthPort: number;
  /** Calls in progress: those being read or held, and those sent and not answered to their end. */
  readonly openCalls: number;
  /** Who spent what so far. */
  usage(): readonly UsageRow[];
  limits(query: ViewQuery): LimitsView;
  /** Drains within the grace of its settings and writes everything down. */
  close(): Promise<void>;
};

const BOUNDS = { maxBuckets: 16_384, maxKeysPerAgent: 1_000, maxChains: 10_000 };
const REMEMBERED_DECISIONS = 10_000;
const LEDGER_FLUSH_MS = 200;

/** Extra time for parts that only write down what is left. */
const CLOSE_GRACE_MS = 2_000;

/**
 * Starts a sidecar with the policies that its source has now. Throws a Problem (INVALID) when they are broken, when a
 * file cannot be read, and the system's error when a port is taken.
 */
export async function startSidecar(settings: SidecarSettings, parts: SidecarParts): Promise<Sidecar> {
  const clock = createClock();
  const lifecycle = createLifecycle(clock);
  try {
    return await start(settings, parts, { clock, lifecycle });
  } catch (error) {
    await lifecycle.stop(CLOSE_GRACE_MS);
    throw error;
  }
}

type Foundation = { readonly clock: Clock; readonly lifecycle: ReturnType<typeof createLifecycle> };

async function start(
  settings: SidecarSettings,
  parts: SidecarParts,
  { clock, lifecycle }: Foundation,
): Promise<Sidecar> {
  const { metrics, telemetry } = createMetricsFor(clock);
  const governor = new Governor(BOUNDS, clock);
  lifecycle.onStop('governor', () => governor.close(), 0);
  observeGovernor(metrics, governor);
  const prices = await readPrices(settings.prices);
  const records = openRecords(settings, parts, { clock, lifecycle, governor, metrics });
  await followPolicies(settings, parts, { governor, metrics, lifecycle });
  const limits = (query: ViewQuery): LimitsView => toLimitsView(governor, parts.workload, query);
  const { upstreams, close: closeUpstreams } = openUpstreams(settings, parts.upstreams);
  lifecycle.onStop('upstreams', closeUpstreams, CLOSE_GRACE_MS);
  const ids = createDecisionIds(clock.wallMs());
  const proxy = new HttpProxy({
    governor,
    clock,
    meter: createModelMeter(new Estimator(), prices),
    observer: records.recorder,
    workload: parts.workload,
    maxBodyBytes: settings.maxBody,
    nextDecisionId: () => ids.next(),
    upstreams,
    own: { limits, decision: records.decision },
    headersTimeoutMs: settings.headersTimeout,
    requestTimeoutMs: settings.requestTimeout,
  });
  // Started first and so stopped last: while calls drain, probes and scrapes are still answered.
  const healthPort = await serveHealth(settings, parts, { clock, lifecycle }, { proxy, governor, telemetry });
  const { port } = await proxy.listen('127.0.0.1', settings.port);
  lifecycle.onStop('http proxy', () => proxy.close(settings.grace), settings.grace + CLOSE_GRACE_MS);
  const close = async (): Promise<void> => {
    for (const { name, error } of await lifecycle.stop(settings.grace + 2 * CLOSE_GRACE_MS)) {
      parts.log.error('stop failed', { name, error });
    }
  };
  return {
    port,
    healthPort,
    get openCalls() {
      return proxy.openCalls;
    },
    usage: records.usage,
    limits,
    close,
  };
}

async function serveHealth(
  settings: SidecarSettings,
  parts: SidecarParts,
  { clock, lifecycle }: Foundation,
  {
    proxy,
    governor,
    telemetry,
  }: { proxy: HttpProxy; governor: Governor; telemetry: ReturnType<typeof createTelemetry> },
): Promise<number> {
  const health = await createHealthServer({
    host: parts.healthHost,
    port: settings.healthPort,
    clock,
    readiness: () => [
      proxy.isTakingCalls
        ? { name: 'calls', ok: true, detail: 'Calls are taken.' }
        : { name: 'calls', ok: false, detail: lifecycle.stopping ? 'Stopping.' : 'Starting.' },
      governor.revision > 0
        ? { name: 'policies', ok: true, detail: `Revision ${governor.revision} is in force.` }
        : { name: 'policies', ok: false, detail: 'No policies have been received yet.' },
    ],
    scrape: () => telemetry.scrape(),
    onError: (error) => parts.log.warn('health server', { error }),
  });
  lifecycle.onStop('health server', () => health.close(CLOSE_GRACE_MS), CLOSE_GRACE_MS);
  return health.port;
}

function createMetricsFor(clock: Clock): { metrics: Metrics; telemetry: ReturnType<typeof createTelemetry> } {
  const telemetry = createTelemetry(clock);
  const metrics = createMetrics(telemetry);
  observeProcess(metrics, createEventLoopDelay());
  return { metrics, telemetry };
}

function observeGovernor(metrics: Metrics, governor: Governor): void {
  metrics.openReservations.observe((set) => set({}, governor.counts.reservations));
  metrics.buckets.observe((set) => set({}, governor.counts.keys));
  metrics.overflowBuckets.observe((set) => set({}, governor.counts.overflow));
  metrics.heldCalls.observe((set) => set({}, governor.counts.held));
  metrics.policyRevision.observe((set) => {
    for (const [policy, revision] of governor.policies) set({ policy }, revision);
  });
  metrics.concurrencyInUse.observe((set) => {
    for (const rule of governor.rules) {
      if (rule.unit !== 'Concurrency') continue;
      let inUse = 0;
      for (const { standing } of governor.standingsByKey(rule))
        inUse += rule.shape.capacity - standing.remaining;
      set({ policy: policyLabel(policyOf(rule)), limit: rule.limit }, inUse);
    }
  });
}

/** Puts the first policies into force and every later good reading of them. */
async function followPolicies(
  settings: SidecarSettings,
  parts: SidecarParts,
  {
    governor,
    metrics,
    lifecycle,
  }: { governor: Governor; metrics: Metrics; lifecycle: Foundation['lifecycle'] },
): Promise<void> {
  const labels = Object.fromEntries(settings.labels ?? []);
  let revision = 0;
  const take = (load: PolicyLoad): void => {
    if (load.kind === 'loaded') governor.apply(planPolicySet(load.policies, labels, ++revision));
    else metrics.policyLoadFailures.at({}).add(1);
    parts.policiesChanged(load, revision);
  };
  const first = await parts.source.load();
  take(first);
  if (first.kind === 'broken') throw new Problem('INVALID', 'the policies are not valid');
  parts.source.watch(take);
  lifecycle.onStop('policy source', () => parts.source.close(), 0);
}

/** Where calls are recorded, and what can be read of it: all that has happened. */
type OpenRecords = {
  readonly recorder: CallRecorder;
  usage(): readonly UsageRow[];
  decision(id: string): LedgerEntry | undefined;
};

function openRecords(
  settings: SidecarSettings,
  parts: SidecarParts,
  { clock, lifecycle, governor, metrics }: Foundation & { governor: Governor; metrics: Metrics },
): OpenRecords {
  const ledger = openLedger(settings, metrics, lifecycle);
  const totals = new UsageTotals();
  const recorder = new CallRecorder({
    ledger,
    metrics,
    totals,
    clock,
    tightest: (chain) => governor.tightest(chain),
    warnings: (chain) => governor.warnings(chain),
    warned: (warning) => parts.limitWarned(warning),
  });
  lifecycle.onStop('call recorder', () => recorder.flush(), 0);
  return {
    recorder,
    usage: () => {
      recorder.flush();
      return totals.rows();
    },
    decision: (id) => {
      recorder.flush();
      return ledger.find(id);
    },
  };
}

function openLedger(
  settings: SidecarSettings,
  metrics: Metrics,
  lifecycle: Foundation['lifecycle'],
): ReturnType<typeof createLedger> {
  const writer =
    settings.decisionLog === undefined
      ? undefined
      : createLineWriter({ to: settings.decisionLog, bufferBytes: 0, flushMs: LEDGER_FLUSH_MS });
  const ledger = createLedger({
    write: (lines) => writer === undefined || writer.write(lines),
    capacity: REMEMBERED_DECISIONS,
    flushMs: LEDGER_FLUSH_MS,
    onDropped: (lines) => metrics.ledgerLinesDropped.at({}).add(lines),
  });
  lifecycle.onStop(
    'decision log',
    async () => {
      ledger.close();
      await writer?.close(CLOSE_GRACE_MS);
    },
    CLOSE_GRACE_MS,
  );
  return ledger;
}

async function readPrices(file: string | undefined): Promise<PriceTable> {
  let raw: unknown = LIST_PRICES;
  if (file !== undefined) {
    try {
      raw = JSON.parse(await readFile(file, 'utf8'));
    } catch (error) {
      throw new Problem('INVALID', `the price table ${file} cannot be read as JSON`, error);
    }
  }
  const parsed = parsePriceTable(raw);
  if (parsed.kind === 'valid') return parsed.table;
  throw new Problem(
    'INVALID',
    `the price table ${file ?? '(built in)'} is not valid:\n${parsed.problems.map(({ path, message }) => `${path}: ${message}`).join('\n')}`,
  );
}
