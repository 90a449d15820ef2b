import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MetricDefinition } from '../../runtime/metric-definition.ts';
import { renderMetricsReference } from '../../runtime/metrics-reference.ts';
import { createTelemetry } from '../../runtime/telemetry.ts';
import { createMetrics, METRICS, observeProcess, toStatusClass } from '../../sidecar/metrics.ts';
import { createFakeClock } from '../runtime/fake-clock.ts';
import { parsePrometheusText } from '../runtime/prometheus-text.ts';

const DEFINITIONS: readonly MetricDefinition[] = Object.values(METRICS);

describe('the table of metrics', () => {
  it.each(DEFINITIONS)('names $name as Prometheus wants it', ({ name, type, unit, doc }) => {
    expect(name).toMatch(/^flyball_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(unit === '' || name.replace(/_total$/, '').endsWith(`_${unit}`)).toBe(true);
    expect(doc).toMatch(/^[A-Z].*[^.]$/);
  });

  it('has no label for a user, a session, a path or an id', () => {
    const labels = new Set(DEFINITIONS.flatMap((definition) => Object.keys(definition.labels)));
    for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    for (const forbidden of ['user', 'session', 'path', 'id', 'key', 'tool', 'prompt', 'le']) {
      expect(labels).not.toContain(forbidden);
    }
  });

  it('has buckets that ascend, so few that a histogram stays small', () => {
    for (const definition of DEFINITIONS) {
      if (definition.type !== 'histogram') continue;
      expect(definition.buckets.toSorted((a, b) => a - b)).toEqual(definition.buckets);
      expect(new Set(definition.buckets).size).toBe(definition.buckets.length);
      expect(definition.buckets.length).toBeLessThanOrEqual(12);
    }
  });

  it('is what docs/metrics.md says (node scripts/generate-metrics-docs.ts writes it)', () => {
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    expect(page).toBe(renderMetricsReference('Metrics of the sidecar', DEFINITIONS));
    for (const { name } of DEFINITIONS) expect(page).toContain(`| \`${name}\` |`);
  });
});

describe('the metrics of a process', () => {
  it('are all exposed once something was counted, under the names of the table', async () => {
    const telemetry = createTelemetry(createFakeClock());
    const metrics = createMetrics(telemetry);
    metrics.decisions
      .at({ policy: 'agents/code-review', limit: 'tokens', outcome: 'deny', class: 'THROTTLED' })
      .add(3);
    metrics.calls.at({ upstream: 'openai', kind: 'LLM', outcome: 'ok', status: toStatusClass(200) }).add(1);
    metrics.tokens
      .at({ agent: 'reviewer', upstream: 'openai', model: 'gpt-4o', direction: 'output' })
      .add(120);
    metrics.spend.at({ agent: 'reviewer', upstream: 'openai', model: 'gpt-4o' }).add(1_234);
    metrics.warnings.at({ policy: 'agents/code-review', limit: 'tokens', band: '80' }).add(1);
    metrics.estimateError.at({ direction: 'input', text: 'prose' }).record(0.07);
    metrics.addedLatency.at({ kind: 'LLM' }).record(0.000_3);
    metrics.holdTime.at({ outcome: 'admitted' }).record(1.5);
    metrics.upstreamFailures.at({ upstream: 'openai', reason: 'timeout' }).add(1);
    metrics.badInput.at({ reason: 'MALFORMED_REQUEST' }).add(1);
    metrics.openReservations.observe((set) => set({}, 4));
    metrics.concurrencyInUse.observe((set) => set({ policy: 'agents/code-review', limit: 'at-once' }, 2));
    metrics.buckets.observe((set) => set({}, 17));
    metrics.overflowBuckets.observe((set) => set({}, 0));
    metrics.heldCalls.observe((set) => set({}, 1));
    metrics.policyRevision.observe((set) => set({ policy: 'agents/code-review' }, 12));
    observeProcess(metrics, () => ({ p50Ms: 1, p99Ms: 20, maxMs: 250 }));

    const families = parsePrometheusText(await telemetry.scrape());
    expect([...families.keys()].toSorted()).toEqual(DEFINITIONS.map(({ name }) => name).toSorted());
    for (const { name, type, doc } of DEFINITIONS)
      expect(families.get(name)).toMatchObject({ type, help: doc });
    expect(families.get('flyball_decisions_total')?.samples).toEqual([
      {
        name: 'flyball_decisions_total',
        labels: { policy: 'agents/code-review', limit: 'tokens', outcome: 'deny', class: 'THROTTLED' },
        value: 3,
      },
    ]);
    const delays = families.get('flyball_event_loop_delay_seconds')?.samples ?? [];
    expect(delays.map(({ labels, value }) => [labels.statistic, value])).toEqual([
      ['p50', 0.001],
      ['p99', 0.02],
      ['max', 0.25],
    ]);
    expect(families.get('flyball_process_resident_memory_bytes')?.samples[0]?.value).toBeGreaterThan(2 ** 20);
    expect(families.get('flyball_policy_load_failures_total')?.samples[0]?.value).toBe(0);
  });

  it.each([
    [200, '2xx'],
    [199, 'none'],
    [404, '4xx'],
    [599, '5xx'],
    [0, 'none'],
    [600, 'none'],
    [Number.NaN, 'none'],
  ])('class status %d as %s', (status, expected) => {
    expect(toStatusClass(status)).toBe(expected);
  });
});
