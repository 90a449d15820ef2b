// Every refusal that a policy can cause, made in one place from what was short or forbidden.

import type { CallCost, Metering } from './cost.ts';
import { quotaOf } from './engine/bucket-table.ts';
import type { Chain } from './engine/chain.ts';
import type { Demand } from './engine/engine.ts';
import { type LimitRule, policyOf, type ToolRule } from './policy/plan.ts';
import type { Mode } from './policy/policy.ts';
import { policyLabel, type Reason, type Refusal, type Violation } from './refusal.ts';
import { classOfWait } from './signal/retry-after.ts';
import { METERED_UNITS, type Unit } from './unit.ts';

const RATE_REASONS: Readonly<Record<Unit, Reason>> = {
  Requests: 'REQUEST_RATE_EXCEEDED',
  ToolCalls: 'REQUEST_RATE_EXCEEDED',
  InputTokens: 'TOKEN_RATE_EXCEEDED',
  OutputTokens: 'TOKEN_RATE_EXCEEDED',
  TotalTokens: 'TOKEN_RATE_EXCEEDED',
  ComputeSeconds: 'REQUEST_RATE_EXCEEDED',
  Concurrency: 'CONCURRENCY_EXCEEDED',
  USD: 'SPEND_RATE_EXCEEDED',
};

/** Short on capacity: wait `waitMs`. `shortages` has the binding one first. */
export function refuseUntil(chain: Chain, shortages: readonly Demand[], waitMs: number): Refusal {
  const violations = toViolations(chain, shortages);
  return {
    class: classOfWait(waitMs),
    reason: RATE_REASONS[violations[0]?.unit ?? 'Requests'],
    waitMs,
    violations,
    detail: '',
  };
}

/** The call can never fit. The limits that it exceeds come first. */
export function refuseTooLarge(chain: Chain, shortages: readonly Demand[]): Refusal {
  const bySize = [...shortages].sort(
    (a, b) => Number(Number.isFinite(a.waitMs)) - Number(Number.isFinite(b.waitMs)),
  );
  return {
    class: 'TOO_LARGE',
    reason: 'REQUEST_EXCEEDS_LIMIT',
    waitMs: 0,
    violations: toViolations(chain, bySize),
    detail: '',
  };
}

/**
 * Refusals that no level can change: a restricted tool, or a limit of 0 on a unit that the call costs. For Shadow: what
 * the Shadow rules would refuse.
 */
export function refuseForbidden(chain: Chain, cost: CallCost, mode: Mode): Refusal | undefined {
  const isShadow = mode === 'Shadow';
  const tools = isShadow ? chain.shadowForbiddenBy : chain.forbiddenBy;
  if (tools !== undefined) return restricted(tools);
  for (const at of isShadow ? chain.shadowZeros : chain.zeros) {
    const rule = chain.rules[at];
    if (rule !== undefined && (cost[chain.chargeAt[at] as number] as number) > 0) {
      return forbidden(
        'LIMIT_IS_ZERO',
        [toViolation(rule, 0, cost[chain.chargeAt[at] as number] as number)],
        '',
      );
    }
  }
  return undefined;
}

/** Refusals because a limit could not be kept: what the call costs in its unit is unknown. */
export function refuseUnmetered(chain: Chain, metering: Metering, mode: Mode): Refusal | undefined {
  if (metering === 'complete') return undefined;
  const isUnknown = (unit: Unit): boolean =>
    metering === 'unreadable' ? METERED_UNITS.has(unit) : unit === 'USD';
  const rule = chain.rules.find(({ unit, shadow }) => shadow === (mode === 'Shadow') && isUnknown(unit));
  if (rule === undefined) return undefined;
  const violations = [toViolation(rule, 0, 0)];
  return metering === 'unreadable'
    ? forbidden(
        'ROUTE_NOT_METERED',
        violations,
        `The limit counts ${rule.unit}, which cannot be read from this route.`,
      )
    : forbidden(
        'MODEL_WITHOUT_PRICE',
        violations,
        'The limit counts USD and the model has no price: add it to the price table.',
      );
}

/** The wait where nothing says how long: 1 to 5 s by the caller's hash, so that callers do not come back together. */
export function spreadWaitMs(callerHash: number): number {
  return 1_000 + Math.floor((4_000 * (callerHash >>> 0)) / 2 ** 32);
}

/** No policies were ever received. */
export function refuseMissingPolicies(callerHash: number): Refusal {
  return {
    class: 'UNAVAILABLE',
    reason: 'POLICIES_MISSING',
    waitMs: spreadWaitMs(callerHash),
    violations: [],
    detail: 'No policies have been received yet.',
  };
}

function restricted(rule: ToolRule): Refusal {
  const policy = policyOf(rule);
  return {
    ...forbidden('TOOL_RESTRICTED', [], `The policy ${policyLabel(policy)} does not allow this tool.`),
    policy,
  };
}

function forbidden(reason: Reason, violations: readonly Violation[], detail: string): Refusal {
  return { class: 'FORBIDDEN', reason, waitMs: 0, violations, detail };
}

function toViolations(chain: Chain, shortages: readonly Demand[]): Violation[] {
  return shortages.flatMap(({ at, amount, missing }) => {
    const rule = chain.rules[at];
    return rule === undefined ? [] : [toViolation(rule, amount - missing, amount)];
  });
}

/** A limit with its numbers; `remaining` may be debt, which is shown as 0. */
export function toViolation(rule: LimitRule, remaining: number, requested: number): Violation {
  return {
    policy: policyOf(rule),
    limit: rule.limit,
    unit: rule.unit,
    per: rule.per,
    quota: quotaOf(rule.shape),
    windowSeconds: rule.shape.windowMs / 1_000,
    remaining: Math.max(0, remaining),
    requested,
    maxPerCall: rule.shape.capacity,
  };
}
