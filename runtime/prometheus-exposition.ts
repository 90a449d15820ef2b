// Our numbers as OpenTelemetry metric data, and that as Prometheus text. Only loaded by a scrape.
// All metrics come from one MetricProducer instead of observable instruments: the reader's results are the same, but
// the SDK keeps no second copy of every series (docs/adr/0004-metrics-producer.md has the figures).

import { setImmediate } from 'node:timers/promises';
import { ValueType } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  MeterProvider,
  type MetricData,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Clock } from './clock.ts';
import type { HistogramSeries, MetricSnapshot } from './telemetry.ts';

const SCOPE = { name: 'flyball' };

/** A producer has to name a resource and the reader then ignores it: the provider's own counts. */
const IGNORED_RESOURCE: Resource = {
  attributes: {},
  merge: () => IGNORED_RESOURCE,
  getRawAttributes: () => [],
};

type Resource = CollectionResult['resourceMetrics']['resource'];
type Moment = [seconds: number, nanos: number];

class ScrapeReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

/** A function that reads every metric once and renders it. */
export function createExposition(
  snapshot: () => readonly MetricSnapshot[],
  clock: Clock,
): () => Promise<string> {
  const startedAt = toMoment(clock.wallMs());
  const collect = (): CollectionResult => {
    const now = toMoment(clock.wallMs());
    const metrics = snapshot().map((metric) => toMetricData(metric, startedAt, now));
    return {
      resourceMetrics: { resource: IGNORED_RESOURCE, scopeMetrics: [{ scope: SCOPE, metrics }] },
      errors: [],
    };
  };
  const reader = new ScrapeReader({ metricProducers: [{ collect: async () => collect() }] });
  // Binds the reader to the resource of this process; the reader keeps the provider alive.
  new MeterProvider({ readers: [reader] });
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  return async () => {
    const { resourceMetrics } = await reader.collect();
    let text = '';
    for (const metric of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
      if (metric.dataPoints.length === 0) continue;
      text += serializer.serialize({
        resource: resourceMetrics.resource,
        scopeMetrics: [{ scope: SCOPE, metrics: [metric] }],
      });
      await setImmediate();
    }
    return text;
  };
}

function toMetricData(
  { definition, points }: MetricSnapshot,
  startTime: Moment,
  endTime: Moment,
): MetricData {
  const base = {
    descriptor: {
      name: definition.name,
      description: definition.doc,
      unit: definition.unit,
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const numbers = (): DataPoint<number>[] =>
    points.flatMap(({ labels, value }) =>
      typeof value === 'number' ? [{ startTime, endTime, attributes: labels, value }] : [],
    );
  switch (definition.type) {
    case 'counter':
      return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: numbers() };
    case 'gauge':
      return { ...base, dataPointType: DataPointType.GAUGE, dataPoints: numbers() };
    case 'histogram': {
      const dataPoints = points.flatMap(({ labels, value }) =>
        typeof value === 'number'
          ? []
          : [{ startTime, endTime, attributes: labels, value: toHistogram(value) }],
      );
      return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
  }
}

function toHistogram(series: HistogramSeries): Histogram {
  const counts = [...series.counts];
  return {
    buckets: { boundaries: [...series.bounds], counts },
    count: counts.reduce((sum, inBucket) => sum + inBucket, 0),
    sum: series.sum,
  };
}

function toMoment(wallMs: number): Moment {
  return [Math.floor(wallMs / 1_000), (wallMs % 1_000) * 1_000_000];
}
