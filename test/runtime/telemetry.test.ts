import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTelemetry, HistogramSeries } from '../../runtime/telemetry.ts';
import { createFakeClock } from './fake-clock.ts';
import { parsePrometheusText } from './prometheus-text.ts';

const CALLS = {
  name: 'calls_total',
  type: 'counter',
  unit: '',
  labels: { agent: 'open' },
  doc: 'Calls',
} as const;
const OPEN = { name: 'open', type: 'gauge', unit: '', labels: { limit: 'open' }, doc: 'Open' } as const;
const PLAIN = { name: 'failures_total', type: 'counter', unit: '', labels: {}, doc: 'Failures' } as const;
const WAIT = {
  name: 'wait_seconds',
  type: 'histogram',
  unit: 'seconds',
  labels: { kind: ['LLM', 'Tool'] },
  buckets: [0.1, 1, 10],
  doc: 'Wait \\ with\na break',
} as const;

describe('an exposition', () => {
  it('shows counters, gauges and histograms as a strict reader takes them', async () => {
    const telemetry = createTelemetry(createFakeClock());
    const calls = telemetry.counter(CALLS);
    const open = telemetry.gauge(OPEN);
    const wait = telemetry.histogram(WAIT);
    calls.at({ agent: 'reviewer' }).add(2);
    calls.at({ agent: 'reviewer' }).add(0.5);
    calls.at({ agent: 'a "quoted" \\ name' }).add(1);
    open.observe((set) => set({ limit: 'x' }, -3));
    for (const seconds of [0.05, 0.1, 0.5, 10, 11]) wait.at({ kind: 'LLM' }).record(seconds);

    const families = parsePrometheusText(await telemetry.scrape());
    expect([...families.keys()]).toEqual(['calls_total', 'open', 'wait_seconds']);
    expect(families.get('calls_total')).toMatchObject({
      type: 'counter',
      help: 'Calls',
      samples: [
        { labels: { agent: 'reviewer' }, value: 2.5 },
        { labels: { agent: 'a "quoted" \\ name' }, value: 1 },
      ],
    });
    expect(families.get('open')).toMatchObject({
      type: 'gauge',
      samples: [{ labels: { limit: 'x' }, value: -3 }],
    });
    const samples = families.get('wait_seconds')?.samples ?? [];
    expect(families.get('wait_seconds')?.help).toBe('Wait \\ with\na break');
    expect(samples.map(({ name, labels, value }) => [name, labels.le, value])).toEqual([
      ['wait_seconds_count', undefined, 5],
      ['wait_seconds_sum', undefined, 21.65],
      ['wait_seconds_bucket', '0.1', 2],
      ['wait_seconds_bucket', '1', 3],
      ['wait_seconds_bucket', '10', 4],
      ['wait_seconds_bucket', '+Inf', 5],
    ]);
    expect(samples.every(({ labels }) => labels.kind === 'LLM')).toBe(true);
  });

  it('shows a metric without labels from the start, and none with labels that nobody used', async () => {
    const telemetry = createTelemetry(createFakeClock());
    telemetry.counter(PLAIN);
    telemetry.counter(CALLS);
    telemetry.gauge(OPEN);
    const families = parsePrometheusText(await telemetry.scrape());
    expect([...families.values()].map(({ name, samples }) => [name, samples[0]?.value])).toEqual([
      ['failures_total', 0],
    ]);
  });

  it('is empty when nothing is defined', async () => {
    expect(await createTelemetry(createFakeClock()).scrape()).toBe('');
  });

  it('goes on counting between scrapes', async () => {
    const telemetry = createTelemetry(createFakeClock());
    const failures = telemetry.counter(PLAIN);
    for (const expected of [1, 2, 3]) {
      failures.at({}).add(1);
      const families = parsePrometheusText(await telemetry.scrape());
      expect(families.get('failures_total')?.samples[0]?.value).toBe(expected);
    }
  });

  it('is bounded however many label values come, with nothing lost', async () => {
    const telemetry = createTelemetry(createFakeClock());
    const calls = telemetry.counter(CALLS);
    const open = telemetry.gauge(OPEN);
    for (let agent = 0; agent < 5_000; agent += 1) calls.at({ agent: `agent-${agent}` }).add(1);
    open.observe((set) => {
      for (let limit = 0; limit < 5_000; limit += 1) set({ limit: `limit-${limit}` }, 2);
    });
    const families = parsePrometheusText(await telemetry.scrape());
    const counted = families.get('calls_total')?.samples ?? [];
    expect(counted).toHaveLength(1_001);
    expect(counted.at(-1)).toMatchObject({ labels: { agent: 'other' }, value: 4_000 });
    expect(families.get('open')?.samples.at(-1)).toMatchObject({ labels: { limit: 'other' }, value: 8_000 });
  });

  it('shows the last value of a gauge whose reader reports the same labels twice', async () => {
    const telemetry = createTelemetry(createFakeClock());
    telemetry.gauge(OPEN).observe((set) => {
      set({ limit: 'x' }, 5);
      set({ limit: 'x' }, 7);
    });
    const families = parsePrometheusText(await telemetry.scrape());
    expect(families.get('open')?.samples.map(({ value }) => value)).toEqual([7]);
  });

  it('forgets the series of a gauge that its reader no longer reports', async () => {
    const telemetry = createTelemetry(createFakeClock());
    let limits = ['old', 'kept'];
    telemetry.gauge(OPEN).observe((set) => {
      for (const limit of limits) set({ limit }, 1);
    });
    await telemetry.scrape();
    limits = ['kept'];
    const families = parsePrometheusText(await telemetry.scrape());
    expect(families.get('open')?.samples.map(({ labels }) => labels.limit)).toEqual(['kept']);
  });

  it('is made once for scrapes that overlap, and rejects for all of them', async () => {
    const telemetry = createTelemetry(createFakeClock());
    let reads = 0;
    let broken = false;
    telemetry.gauge(OPEN).observe((set) => {
      reads += 1;
      if (broken) throw new Error('no such limit');
      set({ limit: 'x' }, reads);
    });
    const texts = await Promise.all([telemetry.scrape(), telemetry.scrape(), telemetry.scrape()]);
    expect(new Set(texts).size).toBe(1);
    expect(reads).toBe(1);
    broken = true;
    await expect(Promise.all([telemetry.scrape(), telemetry.scrape()])).rejects.toThrow('no such limit');
    broken = false;
    expect(await telemetry.scrape()).toContain('open{limit="x"} 3');
  });

  it('needs no module of OpenTelemetry before the first scrape', () => {
    const telemetry = new URL('../../runtime/telemetry.ts', import.meta.url).href;
    const clock = new URL('../../runtime/clock.ts', import.meta.url).href;
    const script = `
      import { registerHooks } from 'node:module';
      let loaded = 0;
      registerHooks({
        load: (url, context, next) => {
          if (url.includes('/@opentelemetry/')) loaded += 1;
          return next(url, context);
        },
      });
      const { createTelemetry } = await import(${JSON.stringify(telemetry)});
      const { createClock } = await import(${JSON.stringify(clock)});
      const telemetry = createTelemetry(createClock());
      telemetry.counter(${JSON.stringify(PLAIN)}).at({}).add(1);
      const before = loaded;
      await telemetry.scrape();
      console.log(before, loaded > 0);`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(output).toBe('0 true\n');
  });
});

describe('an instrument', () => {
  it('has one definition per name', () => {
    const telemetry = createTelemetry(createFakeClock());
    telemetry.counter(PLAIN);
    expect(() => telemetry.counter(PLAIN)).toThrow('metric failures_total is defined twice');
    const gauge = telemetry.gauge(OPEN);
    gauge.observe(() => {});
    expect(() => gauge.observe(() => {})).toThrow('gauge open has a reader already');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('of type counter ignores %d', (amount) => {
    const series = createTelemetry(createFakeClock()).counter(PLAIN).at({});
    series.add(1);
    series.add(amount);
    expect(series.value).toBe(1);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('of type histogram ignores %d', (value) => {
    const series = new HistogramSeries([1, 2]);
    series.record(value);
    expect([...series.counts]).toEqual([0, 0, 0]);
    expect(series.sum).toBe(0);
  });

  it('of type histogram counts each value in the first bucket whose bound holds it', () => {
    const bounds = fc.uniqueArray(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 12 });
    const values = fc.array(fc.integer({ min: -120, max: 120 }), { maxLength: 50 });
    fc.assert(
      fc.property(bounds, values, (unsorted, recorded) => {
        const sorted = unsorted.toSorted((a, b) => a - b);
        const series = new HistogramSeries(sorted);
        for (const value of recorded) series.record(value);
        const upTo = (bound: number) => recorded.filter((value) => value <= bound).length;
        const cumulative = [...series.counts].map((_, at) =>
          series.counts.slice(0, at + 1).reduce((a, b) => a + b),
        );
        expect(cumulative).toEqual([...sorted.map(upTo), recorded.length]);
        expect(series.sum).toBe(recorded.reduce((a, b) => a + b, 0));
      }),
    );
  });
});
