// The one machine-readable object of a refusal. Every dialect carries it unchanged; what a dialect adds around it is
// only clothing. It holds no text of the caller's: only words of ours and the names in policies.

import type { KeyPart } from '../call.ts';
import type { DenyClass, Reason, Refusal, Violation } from '../refusal.ts';
import { toWhole } from './amount.ts';
import { type Action, DENY_CLASS_RULES, executedOf } from './deny-class.ts';
import { fitRefusal } from './fit-refusal.ts';
import { announcedWait } from './retry-after.ts';
import { UNIT_LABELS } from './unit-label.ts';
import { countedViolations, maxPerCallOf } from './violation.ts';

/** Which level refused; `policy` where one bucket serves everything that the policy selects. */
export type Scope = KeyPart | 'policy';

type PolicyReference = {
  readonly namespace: string;
  readonly name: string;
  /** Name of the limit within the policy; null where the policy forbids the tool. */
  readonly limit: string | null;
  readonly revision: number;
};

/** A limit and the call before it, in whole steps of `unit`. */
type LimitReading = {
  readonly unit: string;
  readonly quota: number;
  /** 0 for concurrency and for what has no window. */
  readonly windowSeconds: number;
  readonly remaining: number;
  readonly requested: number;
};

/** Another way to the goal. `reduce`: the same call passes when it asks for at most `maxUnits`. */
type Alternative = { readonly kind: 'reduce'; readonly maxUnits: number };

/** Version 1 of the object. Every key is always present; null = not known, or of no meaning for the class. */
export type Backpressure = {
  readonly v: 1;
  readonly decisionId: string;
  readonly class: DenyClass;
  readonly reason: Reason;
  readonly action: Action;
  /** False is a promise: the call reached no upstream. Null: it may have. */
  readonly executed: false | null;
  /** Whether the same call, unchanged, may pass later. */
  readonly retryable: boolean;
  /** A sufficient wait, jitter included, at least 1. */
  readonly retryAfterMs: number | null;
  readonly scope: Scope | null;
  readonly policy: PolicyReference | null;
  /** The binding limit; null where its numbers are not the cause. */
  readonly limit: LimitReading | null;
  /** Violated limits, the binding one first; at most eight. */
  readonly violations: readonly { readonly policy: PolicyReference; readonly limit: LimitReading }[];
  readonly attempt: number;
  readonly alternatives: readonly Alternative[];
};

export type BackpressureContext = {
  readonly decisionId: string;
  /** How often the caller has sent this call, this time included; at least 1. */
  readonly attempt: number;
};

/** Bytes that the object, and any body around it, may have. */
export const MAX_SIGNAL_BYTES = 2048;

/** The narrowest level first. */
const SCOPE_ORDER: readonly KeyPart[] = [
  'session',
  'user',
  'tool',
  'model',
  'upstream',
  'pod',
  'agent',
  'tenant',
];

/**
 * The scope of a limit: the narrowest part of its key, in the order session, user, tool, model, upstream, pod, agent,
 * tenant; `policy` for an empty key.
 */
export function scopeOf(per: readonly KeyPart[]): Scope {
  return SCOPE_ORDER.find((part) => per.includes(part)) ?? 'policy';
}

/**
 * The object of a refusal, at most MAX_SIGNAL_BYTES as JSON whatever the names: later violations are left out first,
 * then names are cut (a cut name ends in `~`).
 */
export function toBackpressure(refusal: Refusal, context: BackpressureContext): Backpressure {
  return fitRefusal(
    refusal,
    (fitted) => toObject(fitted, context),
    (object) => JSON.stringify(object).length <= MAX_SIGNAL_BYTES,
  );
}

function toObject(refusal: Refusal, context: BackpressureContext): Backpressure {
  const rule = DENY_CLASS_RULES[refusal.class];
  const named = refusal.violations[0];
  const counted = countedViolations(refusal);
  const binding = counted[0];
  return {
    v: 1,
    decisionId: context.decisionId,
    class: refusal.class,
    reason: refusal.reason,
    action: rule.action,
    executed: executedOf(refusal.reason),
    retryable: rule.retryable,
    retryAfterMs: announcedWait(refusal)?.ms ?? null,
    scope: named === undefined ? null : scopeOf(named.per),
    policy: toBinding(refusal),
    limit: binding === undefined ? null : toLimitReading(binding),
    violations: counted.map((violation) => ({
      policy: toPolicyReference(violation),
      limit: toLimitReading(violation),
    })),
    attempt: Math.max(1, toWhole(context.attempt)),
    alternatives: toAlternatives(refusal.class, binding),
  };
}

function toBinding({ violations: [named], policy }: Refusal): PolicyReference | null {
  if (named !== undefined) return toPolicyReference(named);
  if (policy === undefined) return null;
  return { namespace: policy.namespace, name: policy.name, limit: null, revision: policy.revision };
}

function toPolicyReference(violation: Violation): PolicyReference {
  const { namespace, name, revision } = violation.policy;
  return { namespace, name, limit: violation.limit, revision };
}

function toLimitReading(violation: Violation): LimitReading {
  return {
    unit: UNIT_LABELS[violation.unit].wire,
    quota: toWhole(violation.quota),
    windowSeconds: toWhole(violation.windowSeconds),
    remaining: toWhole(violation.remaining),
    requested: toWhole(Math.ceil(violation.requested)),
  };
}

function toAlternatives(denyClass: DenyClass, binding: Violation | undefined): readonly Alternative[] {
  if (denyClass !== 'TOO_LARGE' || binding === undefined) return [];
  return [{ kind: 'reduce', maxUnits: maxPerCallOf(binding) }];
}
