// Early warnings: each band of a limit (`warnAt`) is reported once when it is reached, and again only after the bucket
// has recovered below it.

import type { Slot } from './bucket-table.ts';

/** The bands reached so far, by bucket. */
export class WarningBands {
  readonly #reached = new Map<Slot, number>();

  /**
   * The highest band that this use newly reaches; undefined when there is none. `bands` are ascending percentages.
   * A bucket below its first band is not remembered.
   */
  reach(slot: Slot, bands: readonly number[], usedPercent: number): number | undefined {
    let band = 0;
    for (const each of bands) if (usedPercent >= each) band = each;
    const reached = this.#reached.get(slot) ?? 0;
    if (band === reached) return undefined;
    if (band === 0) this.#reached.delete(slot);
    else this.#reached.set(slot, band);
    return band > reached ? band : undefined;
  }

  /** The bucket was given back. */
  forget(slot: Slot): void {
    this.#reached.delete(slot);
  }
}
