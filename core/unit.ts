// What a limit counts. Every amount in core is a whole number of the unit's smallest step.

/**
 * The units of a limit, in the order of the slots of a cost vector. Amounts are whole numbers:
 * calls, tokens, milliseconds of compute, slots, and micro-dollars (1 USD = 1,000,000).
 */
export const UNITS = [
  'Requests',
  'ToolCalls',
  'InputTokens',
  'OutputTokens',
  'TotalTokens',
  'ComputeSeconds',
  'Concurrency',
  'USD',
] as const;

export type Unit = (typeof UNITS)[number];

/** The units that only model calls cost, and that are read from what a call says. */
export const METERED_UNITS: ReadonlySet<Unit> = new Set([
  'InputTokens',
  'OutputTokens',
  'TotalTokens',
  'USD',
]);

/** Position of a unit in a cost vector. */
export const UNIT_INDEX: Readonly<Record<Unit, number>> = {
  Requests: 0,
  ToolCalls: 1,
  InputTokens: 2,
  OutputTokens: 3,
  TotalTokens: 4,
  ComputeSeconds: 5,
  Concurrency: 6,
  USD: 7,
};

/** Amounts by unit, indexed by UNIT_INDEX. Length UNITS.length. */
export type CostVector = Float64Array;

/** A vector of zeros. */
export function createCostVector(): CostVector {
  return new Float64Array(UNITS.length);
}

/** Micro-dollars of one dollar. */
export const MICROS_PER_USD = 1_000_000;
