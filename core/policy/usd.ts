// Dollars as decimal strings, read digit by digit: 0.1 has no exact binary fraction, "0.1" is exactly 100,000 micros.

import { MICROS_PER_USD } from '../unit.ts';

const USD_PATTERN = /^([0-9]{1,12})(?:\.([0-9]{1,6}))?$/;

/**
 * Micro-dollars of a decimal string such as `25.00` or `0.000001`; undefined when the text is not one.
 * Whole and fractional digits are converted as integers, so the result is exact up to 2^53; a larger amount is
 * rounded but stays above 2^53, so comparing with a lower maximum is safe.
 */
export function parseUsd(text: string): number | undefined {
  const [, dollars, fraction = ''] = USD_PATTERN.exec(text) ?? [];
  if (dollars === undefined) return undefined;
  return Number(dollars) * MICROS_PER_USD + Number(fraction.padEnd(6, '0'));
}

/** Micro-dollars as a decimal string with two to six decimals, exact: 25000000 is `25.00`, -1500 is `-0.0015`. */
export function toUsd(micros: number): string {
  const whole = Math.abs(micros);
  const decimals = String(whole % MICROS_PER_USD)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${micros < 0 ? '-' : ''}${Math.floor(whole / MICROS_PER_USD)}.${decimals}`;
}
