// What a Shadow policy would have said: recorded, never answered.

import type { Chain } from './engine/chain.ts';
import type { LimitRule } from './policy/plan.ts';
import type { Refusal } from './refusal.ts';
import { refuseUntil, toViolation } from './refuse.ts';

/** The refusal that was not enforced; undefined when no Shadow rule would have refused the call. */
export function shadowRefusal(chain: Chain, shadowed: readonly LimitRule[]): Refusal | undefined {
  if (chain.shadowForbiddenBy !== undefined) {
    const { namespace, policy } = chain.shadowForbiddenBy;
    return {
      class: 'FORBIDDEN',
      reason: 'TOOL_RESTRICTED',
      waitMs: 0,
      violations: [],
      detail: `The policy ${namespace}/${policy} would not allow this tool.`,
    };
  }
  if (shadowed.length === 0) return undefined;
  const zero = shadowed.find(({ shape }) => shape.capacity === 0);
  if (zero !== undefined) {
    return {
      class: 'FORBIDDEN',
      reason: 'LIMIT_IS_ZERO',
      waitMs: 0,
      violations: [toViolation(zero, 0, 0)],
      detail: '',
    };
  }
  const demands = shadowed.map((rule) => ({
    at: chain.rules.indexOf(rule),
    slot: chain.slots[chain.rules.indexOf(rule)] ?? 0,
    amount: 0,
    missing: 0,
    waitMs: 0,
  }));
  return refuseUntil(chain, demands, 0);
}
