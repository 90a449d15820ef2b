// The limits of a call as response headers: RateLimit-Policy, RateLimit, flyball-warning.

import type { Standing } from '../../core/decide.ts';
import { quotaOf } from '../../core/engine/bucket-table.ts';
import type { LimitRule } from '../../core/policy/plan.ts';
import {
  type LimitText,
  type RateLimitState,
  toLimitText,
  toRateLimitFields,
} from '../../core/signal/rate-limit-fields.ts';
import { limitName } from '../../core/signal/violation.ts';

/** Limits named in one answer; the tightest come first. */
const MAX_LIMITS = 4;

const texts = new WeakMap<LimitRule, LimitText>();

/** Appends the header pairs for these limits. Nothing is appended where no limit is enforced: Shadow does not speak. */
export function appendLimitHeaders(headers: string[], standings: readonly Standing[]): void {
  const enforced = standings.filter(({ rule }) => !rule.shadow);
  if (enforced.length === 0) return;
  const fields = toRateLimitFields(tightest(enforced).map(toState));
  headers.push('ratelimit-policy', fields.policy, 'ratelimit', fields.rateLimit);
  if (fields.warning !== '') headers.push('flyball-warning', fields.warning);
}

/** One standing per limit name, the tightest window of it, tightest limits first. */
function tightest(standings: readonly Standing[]): readonly Standing[] {
  if (standings.length === 1) return standings;
  const picked: Standing[] = [];
  for (const standing of standings) insert(picked, standing);
  return picked.length > MAX_LIMITS ? picked.slice(0, MAX_LIMITS) : picked;
}

/** Most answers name few limits of like use, so each standing goes in at the end and past few others. */
function insert(picked: Standing[], standing: Standing): void {
  const same = indexOfLimit(picked, standing.rule);
  if (same >= 0) {
    if ((picked[same]?.usedPercent ?? 0) >= standing.usedPercent) return;
    picked.splice(same, 1);
  }
  let at = picked.push(standing) - 1;
  for (; at > 0; at--) {
    const before = picked[at - 1];
    if (before === undefined || before.usedPercent >= standing.usedPercent) break;
    picked[at] = before;
  }
  picked[at] = standing;
}

function indexOfLimit(picked: readonly Standing[], rule: LimitRule): number {
  const { name } = textOf(rule);
  for (let at = 0; at < picked.length; at++) {
    const other = picked[at]?.rule;
    if (other !== undefined && textOf(other).name === name) return at;
  }
  return -1;
}

function toState({ rule, remaining, usedPercent, resetMs }: Standing): RateLimitState {
  return {
    text: textOf(rule),
    remaining,
    resetSeconds: Number.isFinite(resetMs) && rule.shape.windowMs > 0 ? resetMs / 1_000 : undefined,
    warnUsedPercent: usedPercent >= (rule.warnAt[0] ?? Number.POSITIVE_INFINITY) ? usedPercent : undefined,
  };
}

function textOf(rule: LimitRule): LimitText {
  let text = texts.get(rule);
  if (text === undefined) {
    text = toLimitText({
      name: limitName(rule.policy, rule.limit),
      unit: rule.unit,
      quota: quotaOf(rule.shape),
      windowSeconds: rule.shape.windowMs / 1_000,
    });
    texts.set(rule, text);
  }
  return text;
}
