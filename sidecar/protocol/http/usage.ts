// Answers of other HTTP services report no usage.

import type { UsageReader } from '../protocol.ts';

/** Never called, since no route is metered: a call is a broken invariant. */
export function createUsageReader(): UsageReader {
  throw new Error('a plain HTTP answer reports no usage');
}
