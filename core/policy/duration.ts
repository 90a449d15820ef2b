// Durations as people write them in policies: the Gateway API format (GEP-2257), a sum of whole numbers with units.

/** Pattern of a duration: one to four parts of up to five digits, each with h, m, s or ms. */
export const DURATION_PATTERN = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;

const MS_PER_UNIT: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/**
 * Milliseconds of a duration such as `90s`, `1h30m` or `744h`; undefined when the text is not one.
 * Parts add up in any order, as in GEP-2257; the largest value (four parts of 99999h) is exact.
 */
export function parseDuration(text: string): number | undefined {
  if (!DURATION_PATTERN.test(text)) return undefined;
  let totalMs = 0;
  for (const [, digits = '', unit = ''] of text.matchAll(/([0-9]+)(ms|h|m|s)/g)) {
    totalMs += Number(digits) * (MS_PER_UNIT[unit] ?? Number.NaN);
  }
  return totalMs;
}
