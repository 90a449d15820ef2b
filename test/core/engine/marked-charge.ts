// One reservation of one bucket.

import type { BucketTable, Slot } from '../../../core/engine/bucket-table.ts';

/** Charges the bucket; the mark to close it with. */
export function chargeMarked(table: BucketTable, slot: Slot, amount: number): number {
  const mark = table.nextMark();
  table.charge(slot, amount);
  return mark;
}
