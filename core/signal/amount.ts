// Amounts on the wire: whole numbers that every encoding can carry, and the same amounts as people read them.

import { toUsd } from '../policy/usd.ts';
import type { Unit } from '../unit.ts';

/** RFC 9651 integers have at most 15 digits. */
const MAX_WHOLE = 999_999_999_999_999;

/**
 * An amount as a whole number that every encoding can carry: rounded down, between 0 and 10^15 - 1.
 * What is not a number is 0.
 */
export function toWhole(amount: number): number {
  if (!(amount > 0)) return 0;
  return Math.min(Math.floor(amount), MAX_WHOLE);
}

/** An amount as read in a sentence: dollars for micro-dollars, seconds for milliseconds of compute. */
export function toWords(unit: Unit, amount: number): string {
  const whole = toWhole(amount);
  if (unit === 'USD') return toUsd(whole);
  if (unit === 'ComputeSeconds') return String(whole / 1000);
  return String(whole);
}

/** Milliseconds as seconds with at most one decimal, rounded up: 3141 is `3.2`, 3000 is `3`. */
export function toTenths(ms: number): string {
  return String(Math.ceil(ms / 100) / 10);
}
