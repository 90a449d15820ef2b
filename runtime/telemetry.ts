// Metrics whose recording costs nanoseconds: counters and buckets are plain numbers of ours, and OpenTelemetry sees
// them only when somebody scrapes. They reach its MetricReader through a MetricProducer (prometheus-exposition.ts),
// which is loaded at the first scrape, so that a process nobody scrapes never pays for the SDK.

import type { Clock } from './clock.ts';
import {
  type CounterDefinition,
  type GaugeDefinition,
  type HistogramDefinition,
  type Labels,
  type LabelValues,
  MAX_SERIES,
  type MetricDefinition,
} from './metric-definition.ts';
import { SeriesTable } from './series-table.ts';

/** One counter with its labels fixed. */
export class CounterSeries {
  value = 0;

  /** Adds a finite amount above zero; anything else is ignored, because it would spoil the sum for ever. */
  add(amount: number): void {
    if (amount > 0 && amount < Number.POSITIVE_INFINITY) this.value += amount;
  }
}

/** One histogram with its labels fixed. */
export class HistogramSeries {
  readonly bounds: Float64Array;
  /** Observations per bucket, not cumulative; one more than bounds. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = Float64Array.from(bounds);
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Counts one observation; what is not a finite number is ignored. A bound belongs to the bucket below it. */
  record(value: number): void {
    if (!Number.isFinite(value)) return;
    const bounds = this.bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
  }
}

/** `at` returns the same series for the same values: hot code keeps it. */
export interface Counter<L extends Labels> {
  at(values: LabelValues<L>): CounterSeries;
}

export interface Histogram<L extends Labels> {
  at(values: LabelValues<L>): HistogramSeries;
}

/**
 * Reports one value. The last one counts where labels come twice; values of series beyond the bound are summed up in
 * the series OTHER.
 */
export type SetGauge<L extends Labels> = (values: LabelValues<L>, value: number) => void;

export interface Gauge<L extends Labels> {
  /** Says how to read the gauge; called at each scrape and must not throw. One reader per gauge, or it throws. */
  observe(read: (set: SetGauge<L>) => void): void;
}

/** One metric as it stands now. */
export type MetricSnapshot = {
  readonly definition: MetricDefinition;
  readonly points: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number | HistogramSeries;
  }[];
};

export interface Telemetry {
  /** Each name may be defined once; a second time throws. A metric without labels exists from the start with 0. */
  counter<L extends Labels>(definition: CounterDefinition<L>): Counter<L>;
  gauge<L extends Labels>(definition: GaugeDefinition<L>): Gauge<L>;
  histogram<L extends Labels>(definition: HistogramDefinition<L>): Histogram<L>;
  /**
   * Everything in the Prometheus text format 0.0.4. Scrapes that overlap share one result. Yields to other work
   * between metrics, so that a full table does not block calls. Rejects only if the SDK cannot be loaded.
   */
  scrape(): Promise<string>;
}

type Source = { readonly definition: MetricDefinition; read(): MetricSnapshot['points'] };

/** `maxSeries` bounds the series of each metric. */
export function createTelemetry(clock: Clock, maxSeries: number = MAX_SERIES): Telemetry {
  const sources = new Map<string, Source>();
  const register = (definition: MetricDefinition, read: Source['read']): void => {
    if (sources.has(definition.name)) throw new Error(`metric ${definition.name} is defined twice`);
    sources.set(definition.name, { definition, read });
  };
  const snapshot = (): MetricSnapshot[] =>
    [...sources.values()].map(({ definition, read }) => ({ definition, points: read() }));

  let exposition: Promise<() => Promise<string>> | undefined;
  let running: Promise<string> | undefined;
  const load = async (): Promise<() => Promise<string>> => {
    const { createExposition } = await import('./prometheus-exposition.ts');
    return createExposition(snapshot, clock);
  };
  return {
    counter: (definition) => {
      const table = new SeriesTable(definition.labels, maxSeries, () => new CounterSeries());
      register(definition, () =>
        table.entries().map(({ labels, series }) => ({ labels, value: series.value })),
      );
      startAtZero(definition, table);
      return table;
    },
    gauge: (definition) => createGauge(definition, maxSeries, register),
    histogram: (definition) => {
      const table = new SeriesTable(
        definition.labels,
        maxSeries,
        () => new HistogramSeries(definition.buckets),
      );
      register(definition, () => table.entries().map(({ labels, series }) => ({ labels, value: series })));
      startAtZero(definition, table);
      return table;
    },
    async scrape() {
      exposition ??= load().catch((error: unknown) => {
        exposition = undefined;
        throw error;
      });
      const expose = await exposition;
      running ??= expose().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

function startAtZero<L extends Labels>(definition: MetricDefinition, table: SeriesTable<L, unknown>): void {
  // Without labels there is one series, whose values are the empty record whatever L is called.
  if (Object.keys(definition.labels).length === 0) table.at({} as LabelValues<L>);
}

function createGauge<L extends Labels>(
  definition: GaugeDefinition<L>,
  maxSeries: number,
  register: (definition: MetricDefinition, read: Source['read']) => void,
): Gauge<L> {
  let readGauge: ((set: SetGauge<L>) => void) | undefined;
  register(definition, () => {
    // A fresh table per scrape: a limit that is gone takes its series with it.
    const table = new SeriesTable(definition.labels, maxSeries, (isShared) => ({ isShared, value: 0 }));
    readGauge?.((values, value) => {
      const series = table.at(values);
      series.value = series.isShared ? series.value + value : value;
    });
    return table.entries().map(({ labels, series }) => ({ labels, value: series.value }));
  });
  return {
    observe(read) {
      if (readGauge !== undefined) throw new Error(`gauge ${definition.name} has a reader already`);
      readGauge = read;
    },
  };
}
