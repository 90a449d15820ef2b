// Why a call was not admitted, in the terms of the core. `core/signal` and the protocol folders turn it into words.

import type { KeyPart } from './call.ts';
import type { Unit } from './unit.ts';

/**
 * The closed list of deny classes (docs/signals.md). Each maps to one HTTP status and one rule for Retry-After.
 *
 * - THROTTLED: the announced wait is at most 59 s. - DEFERRED: it is longer.
 * - EXHAUSTED: used up, with no time at which it comes back. - TOO_LARGE: can never fit.
 * - FORBIDDEN: not allowed at any rate. - INVALID: input that we cannot govern.
 * - UNAUTHENTICATED: identity missing or contradictory where one is required.
 * - UPSTREAM_FAILED: the upstream was dead or broke before its first byte.
 * - UNAVAILABLE: no policies or no lease, so nothing may be admitted.
 */
export const DENY_CLASSES = [
  'THROTTLED',
  'DEFERRED',
  'EXHAUSTED',
  'TOO_LARGE',
  'FORBIDDEN',
  'INVALID',
  'UNAUTHENTICATED',
  'UPSTREAM_FAILED',
  'UNAVAILABLE',
] as const;
export type DenyClass = (typeof DENY_CLASSES)[number];

/** Machine-readable cause. Several reasons may share a class. */
export const REASONS = [
  'REQUEST_RATE_EXCEEDED',
  'TOKEN_RATE_EXCEEDED',
  'SPEND_RATE_EXCEEDED',
  'CONCURRENCY_EXCEEDED',
  'BUDGET_EXHAUSTED',
  'REQUEST_EXCEEDS_LIMIT',
  'BODY_TOO_LARGE',
  'LIMIT_IS_ZERO',
  'TOOL_RESTRICTED',
  'ROUTE_NOT_METERED',
  'MODEL_WITHOUT_PRICE',
  'MALFORMED_REQUEST',
  'UNKNOWN_ROUTE',
  'IDENTITY_INVALID',
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_BROKEN',
  'POLICIES_MISSING',
  'SHUTTING_DOWN',
] as const;
export type Reason = (typeof REASONS)[number];

/** A policy as it was in force. */
export type PolicyName = { readonly namespace: string; readonly name: string; readonly revision: number };

/** A policy as records and metrics write it: `namespace/name`. */
export function policyLabel({ namespace, name }: Pick<PolicyName, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** One limit that the call did not fit. Amounts are in the unit's smallest step (USD: micro-dollars). */
export type Violation = {
  readonly policy: PolicyName;
  readonly limit: string;
  readonly unit: Unit;
  readonly per: readonly KeyPart[];
  /** The limit per window, or the maximum of a concurrency limit. */
  readonly quota: number;
  /** Seconds of the window; 0 for concurrency. */
  readonly windowSeconds: number;
  /** What is left now, never below 0. */
  readonly remaining: number;
  readonly requested: number;
  /** The most that one call may ask for: the size of the bucket. Absent where it is the quota. */
  readonly maxPerCall?: number;
};

/** A call that was not admitted. A normal result, never thrown. */
export type Refusal = {
  readonly class: DenyClass;
  readonly reason: Reason;
  /** The wait to announce in milliseconds, jitter included; 0 where waiting does not help. */
  readonly waitMs: number;
  /** All violated limits, the binding one first; empty where no limit was the cause. */
  readonly violations: readonly Violation[];
  /** The policy that was the cause where none of its limits was: it forbids the tool. */
  readonly policy?: PolicyName;
  /** What the caller should know beyond the reason: one plain sentence, without any text of the caller's. */
  readonly detail: string;
};
