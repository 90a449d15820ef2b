// What every rendering of a violated limit agrees on.

import type { Refusal, Violation } from '../refusal.ts';
import { toWhole } from './amount.ts';
import { REASON_RULES } from './deny-class.ts';

/** The violations whose numbers are the cause; none where the reason is of another kind. */
export function countedViolations(refusal: Refusal): readonly Violation[] {
  return REASON_RULES[refusal.reason].byNumbers ? refusal.violations : [];
}

/** How a limit is called in sentences, problem details and RateLimit fields: `policy/limit`. */
export function limitName(policy: string, limit: string): string {
  return `${policy}/${limit}`;
}

/** The most of the limit's unit that a single call may ask for. */
export function maxPerCallOf(violation: Violation): number {
  return toWhole(violation.maxPerCall ?? violation.quota);
}
