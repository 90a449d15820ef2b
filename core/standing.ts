// How limits stand: what headers, views and warnings are made from. Reads buckets and charges nothing.

import type { BucketTable, Slot } from './engine/bucket-table.ts';
import type { Chain } from './engine/chain.ts';
import { WarningBands } from './engine/warning-bands.ts';
import type { LimitRule } from './policy/plan.ts';

/** How one limit stands for one key. */
export type Standing = {
  readonly rule: LimitRule;
  /** Whole units left; below 0 is debt. */
  readonly remaining: number;
  /** Whole percent of the bucket that is used. */
  readonly usedPercent: number;
  /** Milliseconds until the bucket is full again; 0 for concurrency. */
  readonly resetMs: number;
};

/** How one limit stands for one key, or for the keys that share an overflow bucket. */
export type KeyStanding = {
  readonly key: readonly string[];
  readonly standing: Standing;
  readonly isOverflow: boolean;
};

/** A limit that has newly reached a band of its `warnAt`, in percent. */
export type Warning = { readonly band: number; readonly standing: Standing };

/** Reads the standings of a table of buckets. */
export class Standings {
  readonly #buckets: BucketTable;
  readonly #bands = new WarningBands();

  constructor(buckets: BucketTable) {
    this.#buckets = buckets;
  }

  /** How the rule stands in this bucket. */
  of(rule: LimitRule, slot: Slot, nowMs: number): Standing {
    this.#buckets.refill(slot, nowMs);
    const remaining = this.#buckets.levelOf(slot);
    const fullMs = this.#buckets.waitMs(slot, this.#buckets.capacityOf(slot));
    const resetMs = this.#buckets.isGauge(slot) ? 0 : fullMs;
    return { rule, remaining, usedPercent: this.#usedPercent(slot), resetMs };
  }

  /** The limit of this chain of which the largest share is used, and its position; undefined where none applies. */
  tightest(chain: Chain, nowMs: number): { readonly at: number; readonly standing: Standing } | undefined {
    let at = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < chain.slots.length; i++) {
      const slot = chain.slots[i] as number;
      this.#buckets.refill(slot, nowMs);
      const share = this.#buckets.levelOf(slot) / this.#buckets.capacityOf(slot);
      if (share < least) [at, least] = [i, share];
    }
    const rule = chain.rules[at];
    return rule === undefined ? undefined : { at, standing: this.of(rule, chain.slots[at] as number, nowMs) };
  }

  /** The limits of this chain that have newly reached a band of their `warnAt`. Each band once. */
  warnings(chain: Chain, nowMs: number): Warning[] {
    const warnings: Warning[] = [];
    for (let at = 0; at < chain.slots.length; at++) {
      const rule = chain.rules[at];
      if (rule === undefined || rule.warnAt.length === 0) continue;
      const slot = chain.slots[at] as number;
      // Asked after every admission, and nearly always for nothing.
      this.#buckets.refill(slot, nowMs);
      const band = this.#bands.reach(slot, rule.warnAt, this.#usedPercent(slot));
      if (band !== undefined) warnings.push({ band, standing: this.of(rule, slot, nowMs) });
    }
    return warnings;
  }

  /** The bucket was given back: whoever gets it next is warned anew. */
  forget(slot: Slot): void {
    this.#bands.forget(slot);
  }

  #usedPercent(slot: Slot): number {
    const capacity = this.#buckets.capacityOf(slot);
    return capacity === 0 ? 100 : Math.floor((100 * (capacity - this.#buckets.levelOf(slot))) / capacity);
  }
}
