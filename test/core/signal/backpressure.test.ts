import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyPart } from '../../../core/call.ts';
import { MAX_SIGNAL_BYTES, scopeOf, toBackpressure } from '../../../core/signal/backpressure.ts';
import { anyRefusal, CARRIED, refusalOf, sampleRefusal, sampleViolation } from './refusals.ts';

const CONTEXT = { decisionId: '01J9ZK3Q6V7N2M5R8T0W4X1Y3B', attempt: 2 };

const LONGEST = {
  policy: { namespace: 'n'.repeat(63), name: 'p'.repeat(253), revision: 2 ** 53 - 1 },
  limit: 'l'.repeat(63),
  quota: 1e15,
  windowSeconds: 2_678_400,
  remaining: 1e15,
  requested: 1e15,
};

describe('toBackpressure', () => {
  it('says who refused, why, for how long and by which numbers', () => {
    const policy = { namespace: 'agents', name: 'code-review', limit: 'output', revision: 7 };
    const limit = { unit: 'output_tokens', quota: 50_000, windowSeconds: 60, remaining: 200, requested: 900 };
    expect(toBackpressure(sampleRefusal(), CONTEXT)).toEqual({
      v: 1,
      decisionId: CONTEXT.decisionId,
      class: 'THROTTLED',
      reason: 'TOKEN_RATE_EXCEEDED',
      action: 'wait',
      executed: false,
      retryable: true,
      retryAfterMs: 3141,
      scope: 'user',
      policy,
      limit,
      violations: [{ policy, limit }],
      attempt: 2,
      alternatives: [],
    });
  });

  it('always has the same keys, null where there is nothing to say', () => {
    const full = Object.keys(toBackpressure(sampleRefusal(), CONTEXT));
    for (const [denyClass, reason] of CARRIED) {
      const bare = toBackpressure(refusalOf(denyClass, reason, 0), CONTEXT);
      expect(Object.keys(bare)).toEqual(full);
      expect([bare.scope, bare.policy, bare.limit, bare.violations]).toEqual([null, null, null, []]);
    }
  });

  it('names the limit but not its numbers where these are not the cause', () => {
    const object = toBackpressure(refusalOf('FORBIDDEN', 'MODEL_WITHOUT_PRICE', 1), CONTEXT);
    expect(object.policy?.limit).toBe('output');
    expect([object.limit, object.violations]).toEqual([null, []]);
  });

  it('tells a too large call the size that fits: the bucket, or else the quota', () => {
    const inBucket = refusalOf('TOO_LARGE', 'REQUEST_EXCEEDS_LIMIT', 1);
    expect(toBackpressure(inBucket, CONTEXT).alternatives).toEqual([{ kind: 'reduce', maxUnits: 10_000 }]);
    const inQuota = { ...inBucket, violations: [sampleViolation({ requested: 60_000 })] };
    expect(toBackpressure(inQuota, CONTEXT).alternatives).toEqual([{ kind: 'reduce', maxUnits: 50_000 }]);
    expect(toBackpressure(sampleRefusal(), CONTEXT).alternatives).toEqual([]);
  });

  it('does not promise "not executed" where the upstream had the call', () => {
    expect(toBackpressure(refusalOf('UPSTREAM_FAILED', 'UPSTREAM_BROKEN', 0), CONTEXT).executed).toBeNull();
    expect(toBackpressure(refusalOf('UPSTREAM_FAILED', 'UPSTREAM_UNREACHABLE', 0), CONTEXT).executed).toBe(
      false,
    );
  });

  it('shows the longest legal names uncut when one limit was violated', () => {
    const object = toBackpressure(sampleRefusal({ violations: [sampleViolation(LONGEST)] }), CONTEXT);
    expect(object.policy).toEqual({ ...LONGEST.policy, limit: LONGEST.limit });
  });

  it('leaves out violations before it cuts a name', () => {
    const many = (nameLength: number) =>
      Array.from({ length: 12 }, () =>
        sampleViolation({ policy: { namespace: 'agents', name: 'p'.repeat(nameLength), revision: 7 } }),
      );
    const shown = [10, 100, 250].map((nameLength) => {
      const object = toBackpressure(sampleRefusal({ violations: many(nameLength) }), CONTEXT);
      return [object.violations.length, object.policy?.name.length];
    });
    expect(shown).toEqual([
      [8, 10],
      [4, 100],
      [2, 250],
    ]);
  });

  it('marks a cut name', () => {
    const violations = [sampleViolation({ limit: 'l'.repeat(300) })];
    expect(toBackpressure(sampleRefusal({ violations }), CONTEXT).policy?.limit).toBe(`${'l'.repeat(252)}~`);
  });

  it('is ASCII JSON of at most 2 KiB whatever the names and numbers are', () => {
    fc.assert(
      fc.property(anyRefusal, (refusal) => {
        const json = JSON.stringify(toBackpressure(refusal, CONTEXT));
        expect(json).toMatch(/^[\x20-\x7e]*$/);
        expect(Buffer.byteLength(json)).toBeLessThanOrEqual(MAX_SIGNAL_BYTES);
      }),
      { numRuns: 2000 },
    );
  });

  it('holds whole numbers only', () => {
    fc.assert(
      fc.property(anyRefusal, (refusal) => {
        const { limit, retryAfterMs, attempt } = toBackpressure(refusal, { ...CONTEXT, attempt: Number.NaN });
        const { unit: _, ...numbers } = limit ?? { unit: '', none: 0 };
        for (const number of Object.values(numbers)) {
          expect(Number.isSafeInteger(number) && number >= 0).toBe(true);
        }
        expect(retryAfterMs ?? 1).toBeGreaterThanOrEqual(1);
        expect(attempt).toBe(1);
      }),
    );
  });
});

describe('scopeOf', () => {
  it.each<[KeyPart[], string]>([
    [[], 'policy'],
    [['tenant'], 'tenant'],
    [['agent', 'pod'], 'pod'],
    [['user', 'model'], 'user'],
    [['user', 'tool'], 'user'],
    [['tool', 'model', 'upstream'], 'tool'],
    [['user', 'session'], 'session'],
  ])('of %j is %s', (per, scope) => {
    expect(scopeOf(per)).toBe(scope);
  });
});
