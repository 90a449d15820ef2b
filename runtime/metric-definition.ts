// A metric as data: the table of a process is made of these, and instruments and reference page come from it.

/**
 * The labels of a metric. A list closes the values of a label; `'open'` leaves them to policies and configuration.
 * No label ever carries a user, a session, a path or text of a prompt.
 */
export type Labels = Readonly<Record<string, 'open' | readonly string[]>>;

/** Values for every label of a metric; closed labels are checked by the compiler. */
export type LabelValues<L extends Labels> = {
  readonly [Name in keyof L]: L[Name] extends readonly (infer Value extends string)[] ? Value : string;
};

type Definition<L extends Labels> = {
  /** Full name as Prometheus shows it: `flyball_…`, counters end in `_total`, units in base units. */
  readonly name: string;
  /** Base unit (`seconds`, `bytes`), or '' where the number has none. */
  readonly unit: string;
  /** In the order in which the exposition shows them. */
  readonly labels: L;
  /** One sentence without a full stop. */
  readonly doc: string;
};

export type CounterDefinition<L extends Labels = Labels> = Definition<L> & { readonly type: 'counter' };

export type GaugeDefinition<L extends Labels = Labels> = Definition<L> & { readonly type: 'gauge' };

export type HistogramDefinition<L extends Labels = Labels> = Definition<L> & {
  readonly type: 'histogram';
  /** Inclusive upper bounds, ascending and finite; a last bucket for everything above comes by itself. */
  readonly buckets: readonly number[];
};

export type MetricDefinition = CounterDefinition | GaugeDefinition | HistogramDefinition;

/** The value of every open label of the series that stands for all those beyond the bound. */
export const OTHER = 'other';

/** Series of one metric before further label values share the series OTHER. */
export const MAX_SERIES = 1_000;
