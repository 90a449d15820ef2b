// Whole amounts as people write them: 500, 50k, 2M, 1G. Decimal multiples only, and no fractions.

const QUANTITY_PATTERN = /^([0-9]{1,12})([kMG]?)$/;

const MULTIPLES: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

/**
 * The number that a quantity such as `50k` stands for; undefined when the text is not one.
 * Exact up to 2^53; a larger quantity is rounded but stays above 2^53, so comparing with a lower maximum is safe.
 */
export function parseQuantity(text: string): number | undefined {
  const [, digits, suffix = ''] = QUANTITY_PATTERN.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * (MULTIPLES[suffix] ?? Number.NaN);
}
