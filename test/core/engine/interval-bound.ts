// What a limit promises about any interval.

import { expect } from 'vitest';
import type { BucketShape } from '../../../core/engine/bucket-table.ts';

/** The calls admitted in every interval cost at most burst + limit * t / window. */
export function expectIntervalBound(
  { capacity, limit, windowMs }: BucketShape,
  calls: readonly { readonly atMs: number; readonly cost: number }[],
): void {
  for (const [position, first] of calls.entries()) {
    let sum = 0;
    for (const { atMs, cost } of calls.slice(position)) {
      sum += cost;
      expect(sum * windowMs).toBeLessThanOrEqual(capacity * windowMs + limit * (atMs - first.atMs));
    }
  }
}
