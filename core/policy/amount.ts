// What `limit` and `burst` mean: the written amount of a unit as a whole number of the unit's smallest step.

import { MICROS_PER_USD, type Unit } from '../unit.ts';
import { parseQuantity } from './quantity.ts';
import { parseUsd } from './usd.ts';

/** The largest limit or burst, in smallest steps: sums of several stay exact in a double (2^53 is about 9e15). */
export const MAX_STEPS = 1e15;

/** `steps` are calls, tokens, milliseconds of compute or micro-dollars: see UNITS in core/unit.ts. */
export type ParsedAmount =
  | { readonly kind: 'amount'; readonly steps: number }
  | { readonly kind: 'invalid'; readonly message: string };

const STEPS_PER_NUMBER: Partial<Record<Unit, number>> = { ComputeSeconds: 1_000, USD: MICROS_PER_USD };

/**
 * Reads an amount of `unit`: a quantity (`50k`) or a whole number; for USD a decimal string (`"25.50"`) or a whole
 * number of dollars. Anything else, and more than MAX_STEPS, is `invalid` with what to write instead.
 */
export function parseAmount(unit: Unit, raw: unknown): ParsedAmount {
  const steps = typeof raw === 'string' ? stepsOfText(unit, raw) : stepsOfNumber(unit, raw);
  if (steps === undefined) return { kind: 'invalid', message: `must be ${formOf(unit)}` };
  if (steps > MAX_STEPS) return { kind: 'invalid', message: tooLarge(unit) };
  return { kind: 'amount', steps };
}

function stepsOfText(unit: Unit, text: string): number | undefined {
  if (unit === 'USD') return parseUsd(text);
  const quantity = parseQuantity(text);
  return quantity === undefined ? undefined : quantity * stepsPerNumber(unit);
}

function stepsOfNumber(unit: Unit, raw: unknown): number | undefined {
  if (typeof raw !== 'number' || !Number.isInteger(raw) || raw < 0) return undefined;
  return raw * stepsPerNumber(unit);
}

function stepsPerNumber(unit: Unit): number {
  return STEPS_PER_NUMBER[unit] ?? 1;
}

function formOf(unit: Unit): string {
  return unit === 'USD'
    ? 'dollars as a quoted decimal string with at most six decimals, such as "25.00"'
    : 'a whole number with an optional k, M or G, such as 500, 50k or 2M';
}

function tooLarge(unit: Unit): string {
  const most = MAX_STEPS / stepsPerNumber(unit);
  return `is too large to count exactly: write at most ${most}${unit === 'USD' ? ' dollars' : ''}`;
}
