import { describe, expect, it } from 'vitest';
import { MAX_STEPS, parseAmount } from '../../../core/policy/amount.ts';
import type { Unit } from '../../../core/unit.ts';

describe('parseAmount', () => {
  it.each<[Unit, unknown, number]>([
    ['Requests', '50k', 50_000],
    ['Requests', 5, 5],
    ['TotalTokens', 0, 0],
    ['USD', '25.50', 25_500_000],
    ['USD', 25, 25_000_000],
    ['ComputeSeconds', '2k', 2_000_000],
    ['ComputeSeconds', 3, 3_000],
    ['TotalTokens', '1000000G', MAX_STEPS],
    ['TotalTokens', 1e15, MAX_STEPS],
    ['USD', '1000000000.000000', MAX_STEPS],
  ])('counts %s %j in smallest steps', (unit, raw, steps) => {
    expect(parseAmount(unit, raw)).toEqual({ kind: 'amount', steps });
  });

  it.each<[Unit, unknown, string]>([
    ['Requests', '1.5', 'a whole number with an optional k, M or G'],
    ['Requests', 1.5, 'a whole number with an optional k, M or G'],
    ['Requests', -1, 'a whole number'],
    ['Requests', Number.NaN, 'a whole number'],
    ['Requests', Number.POSITIVE_INFINITY, 'a whole number'],
    ['Requests', null, 'a whole number'],
    ['Requests', undefined, 'a whole number'],
    ['Requests', true, 'a whole number'],
    ['USD', 25.5, 'dollars as a quoted decimal string'],
    ['USD', '10k', 'dollars as a quoted decimal string'],
    ['TotalTokens', '1000001G', 'at most 1000000000000000'],
    ['TotalTokens', 1e15 + 1, 'at most 1000000000000000'],
    ['TotalTokens', 1e300, 'at most 1000000000000000'],
    ['ComputeSeconds', '1001G', 'at most 1000000000000'],
    ['USD', '1000000000.000001', 'at most 1000000000 dollars'],
  ])('refuses %s %j and says what to write', (unit, raw, fragment) => {
    expect(parseAmount(unit, raw)).toEqual({ kind: 'invalid', message: expect.stringContaining(fragment) });
  });
});
