// The limits of a call as response headers: RateLimit-Policy, RateLimit, flyball-warning.

import type { Standing } from '../../core/decide.ts';
import type { LimitRule } from '../../core/policy/plan.ts';
import {
  type LimitText,
  type RateLimitState,
  toLimitText,
  toRateLimitFields,
} from '../../core/signal/rate-limit-fields.ts';

/** Limits named in one answer; the tightest come first. */
const MAX_LIMITS = 4;

const texts = new WeakMap<LimitRule, LimitText>();

/** Appends the header pairs for these limits. Nothing is appended where no limit applies. */
export function appendLimitHeaders(headers: string[], standings: readonly Standing[]): void {
  if (standings.length === 0) return;
  const fields = toRateLimitFields(tightest(standings).map(toState));
  headers.push('ratelimit-policy', fields.policy, 'ratelimit', fields.rateLimit);
  if (fields.warning !== '') headers.push('flyball-warning', fields.warning);
}

/** One standing per limit name, the tightest window of it, tightest limits first. */
function tightest(standings: readonly Standing[]): readonly Standing[] {
  if (standings.length === 1) return standings;
  const sorted = [...standings].sort((a, b) => b.usedPercent - a.usedPercent);
  const unique = sorted.filter(
    ({ rule }, i) => sorted.findIndex((other) => nameOf(other.rule) === nameOf(rule)) === i,
  );
  return unique.slice(0, MAX_LIMITS);
}

function toState({ rule, remaining, usedPercent, resetMs }: Standing): RateLimitState {
  return {
    text: textOf(rule),
    remaining,
    resetSeconds: Number.isFinite(resetMs) && rule.shape.windowMs > 0 ? resetMs / 1_000 : undefined,
    warnUsedPercent: usedPercent >= (rule.warnAt[0] ?? Number.POSITIVE_INFINITY) ? usedPercent : undefined,
  };
}

/** As refusals call it. */
function nameOf(rule: LimitRule): string {
  return `${rule.policy}/${rule.limit}`;
}

function textOf(rule: LimitRule): LimitText {
  let text = texts.get(rule);
  if (text === undefined) {
    const isGauge = rule.shape.windowMs === 0;
    text = toLimitText({
      name: nameOf(rule),
      unit: rule.unit,
      quota: isGauge ? rule.shape.capacity : rule.shape.limit,
      windowSeconds: rule.shape.windowMs / 1_000,
    });
    texts.set(rule, text);
  }
  return text;
}
