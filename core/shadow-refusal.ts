// What a Shadow policy would have said: recorded, never answered.

import type { Chain } from './engine/chain.ts';
import type { LimitRule } from './policy/plan.ts';
import type { Refusal } from './refusal.ts';
import { refuseUntil } from './refuse.ts';

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
  const demands = shadowed.map((rule) => ({
    at: chain.rules.indexOf(rule),
    slot: chain.slots[chain.rules.indexOf(rule)] ?? 0,
    amount: 0,
    missing: 0,
    waitMs: 0,
  }));
  return refuseUntil(chain, demands, 0);
}
