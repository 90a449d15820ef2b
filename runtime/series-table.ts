// The series of one metric by their label values, bounded. Looking up a known series walks one map per label and
// allocates nothing, so the hot path may do it for every call.

import { type Labels, type LabelValues, OTHER } from './metric-definition.ts';
import { toPrintable } from './printable.ts';

type Node<S> = {
  children: Map<string, Node<S>> | undefined;
  series: S | undefined;
};

const MAX_LABEL_VALUE = 128;

/**
 * Series of type S by label values. The first `maxSeries` combinations get a series each; every later one shares
 * the series in which open labels say OTHER and closed labels keep their value.
 */
export class SeriesTable<L extends Labels, S> {
  readonly #names: readonly (keyof L & string)[];
  readonly #labels: L;
  readonly #createSeries: (shared: boolean) => S;
  readonly #maxSeries: number;
  readonly #root: Node<S> = { children: undefined, series: undefined };
  readonly #entries: { readonly labels: Readonly<Record<string, string>>; readonly series: S }[] = [];

  /** `createSeries` is told whether the series is one that stands for many. */
  constructor(labels: L, maxSeries: number, createSeries: (shared: boolean) => S) {
    this.#names = Object.keys(labels);
    this.#labels = labels;
    this.#maxSeries = maxSeries;
    this.#createSeries = createSeries;
  }

  /** The series of these values; the same object for the same values, so callers may keep it. */
  at(values: LabelValues<L>): S {
    let node: Node<S> | undefined = this.#root;
    for (const name of this.#names) {
      node = node.children?.get(values[name]);
      if (node === undefined) return this.#add(values);
    }
    return node.series ?? this.#add(values);
  }

  /** Every series with its labels, in the order in which they came. */
  entries(): readonly { readonly labels: Readonly<Record<string, string>>; readonly series: S }[] {
    return this.#entries;
  }

  #add(values: LabelValues<L>): S {
    const clean = this.#names.map((name) => toPrintable(values[name], MAX_LABEL_VALUE));
    const known = this.#leaf(clean, false)?.series;
    if (known !== undefined) return known;
    if (this.#entries.length < this.#maxSeries) return this.#create(clean, false);
    const shared = clean.map((value, index) =>
      this.#labels[this.#names[index] ?? ''] === 'open' ? OTHER : value,
    );
    return this.#leaf(shared, false)?.series ?? this.#create(shared, true);
  }

  #create(values: readonly string[], isShared: boolean): S {
    const series = this.#createSeries(isShared);
    const leaf = this.#leaf(values, true);
    if (leaf === undefined) throw new Error('a leaf that is to be made was not made');
    leaf.series = series;
    const labels = Object.fromEntries(this.#names.map((name, index) => [name, values[index] ?? '']));
    this.#entries.push({ labels, series });
    return series;
  }

  #leaf(values: readonly string[], make: boolean): Node<S> | undefined {
    let node: Node<S> = this.#root;
    for (const value of values) {
      let next = node.children?.get(value);
      if (next === undefined) {
        if (!make) return undefined;
        next = { children: undefined, series: undefined };
        node.children ??= new Map();
        node.children.set(value, next);
      }
      node = next;
    }
    return node;
  }
}
