// Token counts in answers. They come from a server that may be wrong or hostile: what is no count is as if not there.

import type { JsonScan } from './json-scan.ts';

/** Takes one value: a whole number from 0 to Number.MAX_SAFE_INTEGER, or undefined for anything else. */
export function readTokens(scan: JsonScan): number | undefined {
  const count = scan.readNumber();
  return count !== undefined && count >= 0 && Number.isSafeInteger(count) ? count : undefined;
}
