import fc from 'fast-check';
import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { toLimitText, toRateLimitFields } from '../../../core/signal/rate-limit-fields.ts';
import { UNITS } from '../../../core/unit.ts';
import { anyUnit, anyViolation } from './refusals.ts';

const OUTPUT = toLimitText({
  name: 'code-review/output',
  unit: 'OutputTokens',
  quota: 50_000,
  windowSeconds: 60,
});
const SLOTS = toLimitText({ name: 'code-review/slots', unit: 'Concurrency', quota: 10, windowSeconds: 0 });

/** A field as an independent reader of RFC 9651 sees it: each name with its parameters. */
function read(value: string): { name: unknown; parameters: Record<string, unknown> }[] {
  return parseList(value).map(([name, parameters]) => ({
    name,
    parameters: Object.fromEntries(parameters),
  }));
}

describe('toLimitText', () => {
  it.each(UNITS)('calls %s by a registered unit or by one with our prefix', (unit) => {
    const { policy } = toLimitText({ name: 'a', unit, quota: 5, windowSeconds: 60 });
    const registered = { Requests: 'requests', Concurrency: 'concurrent-requests' };
    const quotaUnit = read(policy)[0]?.parameters.qu;
    if (unit === 'Requests' || unit === 'Concurrency') expect(quotaUnit).toBe(registered[unit]);
    else expect(quotaUnit).toMatch(/^flyball:[a-z_]+$/);
  });

  it('has no window where there is none', () => {
    expect(SLOTS.policy).toBe('"code-review/slots";q=10;qu="concurrent-requests"');
  });
});

describe('toRateLimitFields', () => {
  it('writes the fields of the draft and warnings where they are due', () => {
    const fields = toRateLimitFields([
      { text: OUTPUT, remaining: 8000.9, resetSeconds: 9.2, warnUsedPercent: 84 },
      { text: SLOTS, remaining: 3, resetSeconds: undefined, warnUsedPercent: undefined },
    ]);
    expect(fields).toEqual({
      policy:
        '"code-review/output";q=50000;qu="flyball:output_tokens";w=60, "code-review/slots";q=10;qu="concurrent-requests"',
      rateLimit: '"code-review/output";r=8000;t=10, "code-review/slots";r=3',
      warning: '"code-review/output";used=84',
    });
  });

  it('lists several warnings', () => {
    const states = [OUTPUT, SLOTS].map((text, index) => ({
      text,
      remaining: 0,
      resetSeconds: 1,
      warnUsedPercent: 80 + index,
    }));
    expect(toRateLimitFields(states).warning).toBe(
      '"code-review/output";used=80, "code-review/slots";used=81',
    );
  });

  it('leaves every field out when there is no limit', () => {
    expect(toRateLimitFields([])).toEqual({ policy: '', rateLimit: '', warning: '' });
  });

  it('shows debt as nothing left', () => {
    const state = { text: OUTPUT, remaining: -300, resetSeconds: 4, warnUsedPercent: undefined };
    expect(toRateLimitFields([state]).rateLimit).toBe('"code-review/output";r=0;t=4');
  });

  it('is well-formed for any names and numbers, and says the same limits in the same order in both fields', () => {
    fc.assert(
      fc.property(fc.array(anyLimit, { minLength: 1, maxLength: 8 }), (limits) => {
        const fields = toRateLimitFields(limits.map(({ state }) => state));
        const names = limits.map(({ name }) => name.replace(/[^\x20-\x7e]/g, '?'));
        expect(readChecked(fields.policy, ['q', 'qu'], ['w'])).toEqual(names);
        expect(readChecked(fields.rateLimit, ['r'], ['t'])).toEqual(names);
        expect(fields.policy).not.toMatch(/;w=0\b/);
        const warned = names.filter((_, index) => limits[index]?.state.warnUsedPercent !== undefined);
        expect(readChecked(fields.warning, ['used'], [])).toEqual(warned);
      }),
      { numRuns: 10_000 },
    );
  });
});

const anyLimit = fc
  .record({
    violation: anyViolation,
    unit: anyUnit,
    resetSeconds: fc.option(fc.double({ min: -5, max: 1e18 }), { nil: undefined }),
    warnUsedPercent: fc.option(fc.double({ min: 0, max: 1000 }), { nil: undefined }),
  })
  .map(({ violation, unit, resetSeconds, warnUsedPercent }) => {
    const text = toLimitText({ ...violation, name: violation.limit, unit });
    return {
      name: violation.limit,
      state: { text, remaining: violation.remaining, resetSeconds, warnUsedPercent },
    };
  });

/**
 * The names in a field, after a look at each one's parameters: all of `required`, perhaps some of `optional`, nothing
 * else; every number whole and not negative.
 */
function readChecked(value: string, required: string[], optional: string[]): unknown[] {
  return read(value).map(({ name, parameters }) => {
    const { qu, ...numbers } = parameters;
    const wrong = Object.entries(numbers).filter(
      ([, number]) => !(Number.isInteger(number) && Number(number) >= 0),
    );
    const missing = required.filter((key) => !(key in parameters));
    const strange = Object.keys(parameters).filter(
      (key) => !required.includes(key) && !optional.includes(key),
    );
    if (wrong.length + missing.length + strange.length > 0) {
      throw new Error(`${value}: ${JSON.stringify({ wrong, missing, strange })}`);
    }
    return name;
  });
}
