// From valid policies to the flat rules that the engine enforces.

import type { KeyPart } from '../call.ts';
import type { BucketShape } from '../engine/bucket-table.ts';
import type { PolicyName } from '../refusal.ts';
import { UNIT_INDEX, type Unit } from '../unit.ts';
import type { Limit, Match, Policy, Rate } from './policy.ts';

/** One bucket shape per key: a limit with two rates makes two rules. */
export type LimitRule = {
  /**
   * Identity of its buckets without the key values: policy, limit name, unit, `per` and window. Two revisions of a
   * policy whose rules have the same id share buckets, so that editing numbers keeps what was used.
   */
  readonly id: string;
  readonly namespace: string;
  readonly policy: string;
  readonly revision: number;
  readonly limit: string;
  readonly unit: Unit;
  /** Position of `unit` in a cost vector. */
  readonly unitIndex: number;
  readonly per: readonly KeyPart[];
  readonly match: Match;
  readonly shape: BucketShape;
  readonly reserve: 'Strict' | 'Learned';
  /** Longest hold in milliseconds; 0 = refuse at once. */
  readonly maxWaitMs: number;
  /** Ascending percentages. */
  readonly warnAt: readonly number[];
  readonly shadow: boolean;
};

/** The policy that a rule comes from. */
export function policyOf({ namespace, policy, revision }: LimitRule | ToolRule): PolicyName {
  return { namespace, name: policy, revision };
}

/** What one policy says about tools. */
export type ToolRule = {
  readonly namespace: string;
  readonly policy: string;
  readonly revision: number;
  readonly restricted: readonly string[];
  readonly allowed: readonly string[] | undefined;
  readonly shadow: boolean;
};

/** Everything that applies to one agent process, ready to enforce. Immutable. */
export type PolicySet = {
  readonly revision: number;
  readonly rules: readonly LimitRule[];
  readonly tools: readonly ToolRule[];
};

/** The rules of all policies whose selector holds for these labels, in the order given. */
export function planPolicySet(
  policies: readonly Policy[],
  labels: Readonly<Record<string, string>>,
  revision: number,
): PolicySet {
  const selected = policies.filter((policy) => selects(policy, labels));
  return {
    revision,
    rules: selected.flatMap((policy) => policy.limits.flatMap((limit) => toRules(policy, limit, revision))),
    tools: selected.flatMap((policy) => toToolRules(policy, revision)),
  };
}

/** Does the policy's selector hold for an agent with these labels? An empty selector holds for every agent. */
export function selects(policy: Policy, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(policy.matchLabels).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}

function toRules(policy: Policy, limit: Limit, revision: number): LimitRule[] {
  const shapes: BucketShape[] =
    limit.bound.kind === 'max'
      ? [{ capacity: limit.bound.max, limit: 0, windowMs: 0 }]
      : limit.bound.rates.map(toShape);
  return shapes.map((shape) => ({
    id: [
      'RateLimitPolicy',
      policy.namespace,
      policy.name,
      limit.name,
      limit.unit,
      limit.per.join('+'),
      shape.windowMs,
    ].join('/'),
    namespace: policy.namespace,
    policy: policy.name,
    revision,
    limit: limit.name,
    unit: limit.unit,
    unitIndex: UNIT_INDEX[limit.unit],
    per: limit.per,
    match: limit.match,
    shape,
    reserve: limit.reserve,
    maxWaitMs: limit.onLimit.kind === 'Hold' ? limit.onLimit.maxWaitMs : 0,
    warnAt: limit.warnAt,
    shadow: limit.mode === 'Shadow',
  }));
}

function toShape(rate: Rate): BucketShape {
  return { capacity: rate.burst, limit: rate.limit, windowMs: rate.windowMs };
}

function toToolRules(policy: Policy, revision: number): ToolRule[] {
  if (policy.restrictedTools.length === 0 && policy.allowedTools === undefined) return [];
  return [
    {
      namespace: policy.namespace,
      policy: policy.name,
      revision,
      restricted: policy.restrictedTools,
      allowed: policy.allowedTools,
      shadow: policy.mode === 'Shadow',
    },
  ];
}
