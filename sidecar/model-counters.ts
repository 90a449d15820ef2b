// The counters of one agent, upstream and model: found once per call, not once per number.

import type { Call } from '../core/call.ts';
import { modelFamily } from '../core/estimate/model-family.ts';
import type { Usage } from '../core/usage.ts';
import type { CounterSeries } from '../runtime/telemetry.ts';
import type { Metrics } from './metrics.ts';

/** Callers choose model names: what is remembered is bounded. */
const MAX_REMEMBERED = 1_000;

type ModelSeries = {
  readonly input: CounterSeries;
  readonly cacheRead: CounterSeries;
  readonly cacheWrite: CounterSeries;
  readonly output: CounterSeries;
  /** Made with the first dollar: a model without a price has none. */
  spend: CounterSeries | undefined;
};

/** Counts tokens and dollars of settled calls. */
export class ModelCounters {
  readonly #metrics: Metrics;
  readonly #known = new Map<string, ModelSeries>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Adds what a call used. `spendMicros` is undefined where the model has no price. */
  add(call: Call, usage: Usage, spendMicros: number | undefined): void {
    const series = this.#seriesOf(call);
    series.input.add(usage.inputTokens);
    series.cacheRead.add(usage.cacheReadTokens);
    series.cacheWrite.add(usage.cacheWriteTokens);
    series.output.add(usage.outputTokens);
    if (spendMicros === undefined) return;
    series.spend ??= this.#metrics.spend.at(labelsOf(call));
    series.spend.add(spendMicros);
  }

  #seriesOf(call: Call): ModelSeries {
    const key = `${call.agent}\n${call.upstream}\n${call.model}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    const labels = labelsOf(call);
    const { tokens } = this.#metrics;
    const series: ModelSeries = {
      input: tokens.at({ ...labels, direction: 'input' }),
      cacheRead: tokens.at({ ...labels, direction: 'cache_read' }),
      cacheWrite: tokens.at({ ...labels, direction: 'cache_write' }),
      output: tokens.at({ ...labels, direction: 'output' }),
      spend: undefined,
    };
    this.#known.set(key, series);
    return series;
  }
}

function labelsOf(call: Call): { readonly agent: string; readonly upstream: string; readonly model: string } {
  return { agent: call.agent, upstream: call.upstream, model: modelFamily(call.model) };
}
