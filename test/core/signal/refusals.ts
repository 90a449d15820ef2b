// Refusals for the tests of signals: one of every kind, and any at all.

import fc from 'fast-check';
import { KEY_PARTS } from '../../../core/call.ts';
import {
  DENY_CLASSES,
  type DenyClass,
  REASONS,
  type Reason,
  type Refusal,
  type Violation,
} from '../../../core/refusal.ts';
import { mayCarry } from '../../../core/signal/deny-class.ts';
import { UNITS, type Unit } from '../../../core/unit.ts';

/** Every class with every reason that it may carry. */
export const CARRIED: readonly (readonly [DenyClass, Reason])[] = DENY_CLASSES.flatMap((denyClass) =>
  REASONS.filter((reason) => mayCarry(denyClass, reason)).map((reason) => [denyClass, reason] as const),
);

export function sampleViolation(changes: Partial<Violation> = {}): Violation {
  return {
    policy: { namespace: 'agents', name: 'code-review', revision: 7 },
    limit: 'output',
    unit: 'OutputTokens',
    per: ['user'],
    quota: 50_000,
    windowSeconds: 60,
    remaining: 200,
    requested: 900,
    ...changes,
  };
}

export function sampleRefusal(changes: Partial<Refusal> = {}): Refusal {
  return {
    class: 'THROTTLED',
    reason: 'TOKEN_RATE_EXCEEDED',
    waitMs: 3141,
    violations: [sampleViolation()],
    detail: '',
    ...changes,
  };
}

const WAITS: Readonly<Partial<Record<DenyClass, number>>> = {
  THROTTLED: 3141,
  DEFERRED: 7_412_345,
  UNAVAILABLE: 2500,
};

/** A likely limit for each reason that goes by numbers. */
const LIMITS: Readonly<Partial<Record<Reason, Partial<Violation>>>> = {
  REQUEST_RATE_EXCEEDED: { limit: 'calls', unit: 'Requests', quota: 5, remaining: 0, requested: 1 },
  SPEND_RATE_EXCEEDED: {
    limit: 'dollars',
    unit: 'USD',
    quota: 25_000_000,
    windowSeconds: 86_400,
    remaining: 120_000,
    requested: 451_500,
  },
  CONCURRENCY_EXCEEDED: {
    limit: 'at-once',
    unit: 'Concurrency',
    per: [],
    quota: 10,
    windowSeconds: 0,
    remaining: 0,
    requested: 1,
  },
  BUDGET_EXHAUSTED: {
    limit: 'budget',
    unit: 'USD',
    per: ['agent'],
    quota: 25_000_000,
    windowSeconds: 0,
    remaining: 0,
    requested: 451_500,
  },
  REQUEST_EXCEEDS_LIMIT: { requested: 60_000, maxPerCall: 10_000 },
  LIMIT_IS_ZERO: { quota: 0, remaining: 0 },
};

/** One refusal of this kind: with one limit, with three, or with none. */
export function refusalOf(denyClass: DenyClass, reason: Reason, limits: 0 | 1 | 3): Refusal {
  const binding = sampleViolation(LIMITS[reason] ?? {});
  const others = [
    sampleViolation({
      limit: 'hourly',
      unit: 'TotalTokens',
      quota: 1_000_000,
      windowSeconds: 3600,
      remaining: 0,
    }),
    sampleViolation({
      limit: 'requests',
      unit: 'Requests',
      per: ['agent', 'tool'],
      quota: 5,
      remaining: 0,
      requested: 1,
    }),
  ];
  return {
    class: denyClass,
    reason,
    waitMs: WAITS[denyClass] ?? 0,
    violations: limits === 0 ? [] : limits === 1 ? [binding] : [binding, ...others],
    detail: '',
  };
}

/** Names as Kubernetes allows them, mostly; sometimes anything, which no signal may trip over. */
const anyName = fc.oneof(
  fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,62}$/),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('billing', 'usage-quota', 'x'.repeat(253), '"', '\\', '\\"', 'a\r\nb: c', ''),
);

const anyAmount = fc.oneof(
  fc.nat({ max: 10_000_000 }),
  fc.double({ min: -1e6, max: 1e22, noNaN: false }),
  fc.constantFrom(0, 0.4, -1, 1e21, Number.POSITIVE_INFINITY, Number.NaN),
);

export const anyUnit: fc.Arbitrary<Unit> = fc.constantFrom(...UNITS);

export const anyViolation: fc.Arbitrary<Violation> = fc.record(
  {
    policy: fc.record({ namespace: anyName, name: anyName, revision: fc.nat() }),
    limit: anyName,
    unit: anyUnit,
    per: fc.uniqueArray(fc.constantFrom(...KEY_PARTS)),
    quota: anyAmount,
    windowSeconds: anyAmount,
    remaining: anyAmount,
    requested: anyAmount,
    maxPerCall: anyAmount,
  },
  {
    requiredKeys: ['policy', 'limit', 'unit', 'per', 'quota', 'windowSeconds', 'remaining', 'requested'],
  },
);

export const anyWaitMs = fc.oneof(
  fc.nat({ max: 120_000 }),
  fc.double({ min: -10, max: 1e13, noNaN: false }),
  fc.constantFrom(0, 0.001, 1, 58_999.5, 59_000, 59_000.001, 59_001, 60_000),
);

/** Any consistent refusal, with amounts, names and waits that no sane engine would give. */
export const anyRefusal: fc.Arbitrary<Refusal> = fc
  .record({
    kind: fc.constantFrom(...CARRIED),
    waitMs: anyWaitMs,
    violations: fc.array(anyViolation, { maxLength: 12 }),
    detail: fc.oneof(fc.constant(''), fc.string({ unit: 'binary', maxLength: 400 })),
  })
  .map(({ kind: [denyClass, reason], ...rest }) => ({ class: denyClass, reason, ...rest }));
