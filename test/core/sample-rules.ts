// Rules, calls and costs with defaults, so that a test names only what it is about.

import { type Call, UNKNOWN } from '../../core/call.ts';
import { type CallCost, KNOWN_LEARNED, KNOWN_STRICT, LEARNED, STRICT } from '../../core/cost.ts';
import type { Chain } from '../../core/engine/chain.ts';
import type { LimitRule, ToolRule } from '../../core/policy/plan.ts';
import { type CostVector, createCostVector, UNIT_INDEX, UNITS, type Unit } from '../../core/unit.ts';

/** An enforced rule that denies at once. Its id follows its names, unit, `per` and window, as in a plan. */
export function createRule(given: Partial<LimitRule> & Pick<LimitRule, 'shape'>): LimitRule {
  const unit = given.unit ?? 'Requests';
  const limit = given.limit ?? 'limit';
  const per = given.per ?? [];
  return {
    id: `RateLimitPolicy/agents/policy/${limit}/${unit}/${per.join('+')}/${given.shape.windowMs}`,
    namespace: 'agents',
    policy: 'policy',
    revision: 1,
    limit,
    unit,
    unitIndex: UNIT_INDEX[unit],
    per,
    match: {},
    reserve: 'Learned',
    maxWaitMs: 0,
    warnAt: [],
    shadow: false,
    ...given,
  };
}

/** What a policy says about tools; nothing unless `given` says more. */
export function createToolRule(given: Partial<ToolRule> = {}): ToolRule {
  return {
    namespace: 'agents',
    policy: 'policy',
    revision: 1,
    restricted: [],
    allowed: undefined,
    shadow: false,
    ...given,
  };
}

/** A model call of agent `a`. */
export function createCall(given: Partial<Call> = {}): Call {
  return {
    kind: 'LLM',
    tenant: 'agents',
    agent: 'a',
    user: UNKNOWN,
    session: 's',
    tool: UNKNOWN,
    toolNames: [],
    model: 'm',
    upstream: 'openai',
    pod: 'pod',
    ...given,
  };
}

/** Amounts by unit; units that are not named are 0. */
export function amounts(given: Partial<Record<Unit, number>>): CostVector {
  const vector = createCostVector();
  for (const unit of UNITS) vector[UNIT_INDEX[unit]] = given[unit] ?? 0;
  return vector;
}

/** A cost that is the same in both strengths. All of it is known unless `known` says otherwise. */
export function costOf(charged: Partial<Record<Unit, number>>, known = charged): CallCost {
  const cost = new Float64Array(4 * UNITS.length);
  for (const block of [LEARNED, STRICT]) cost.set(amounts(charged), block);
  for (const block of [KNOWN_LEARNED, KNOWN_STRICT]) cost.set(amounts(known), block);
  return cost;
}

/** The chain of these rules over these slots. */
export function createChain(rules: readonly LimitRule[], slots: readonly number[]): Chain {
  const strict = (rule: LimitRule) => rule.reserve === 'Strict';
  return {
    rules,
    slots: Int32Array.from(slots),
    unitAt: Uint8Array.from(rules, ({ unitIndex }) => unitIndex),
    chargeAt: Uint8Array.from(rules, (rule) => (strict(rule) ? STRICT : LEARNED) + rule.unitIndex),
    knownAt: Uint8Array.from(rules, (rule) => (strict(rule) ? KNOWN_STRICT : KNOWN_LEARNED) + rule.unitIndex),
    gauges: [],
    zeros: [],
    shadowZeros: [],
    forbiddenBy: undefined,
    shadowForbiddenBy: undefined,
  };
}
