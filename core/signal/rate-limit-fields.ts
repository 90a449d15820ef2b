// The response fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10) and our own
// `flyball-warning`: lists of strings with parameters (RFC 9651). They ride on every answer, so the part of a limit
// that never changes is written once and the rest is plain concatenation.

import type { Unit } from '../unit.ts';
import { toWhole } from './amount.ts';
import { UNIT_LABELS } from './unit-label.ts';

/** A limit as the fields describe it. */
export type LimitDescription = {
  /** Unique within one answer. By `limitName`, so that successes and refusals call a limit the same. */
  readonly name: string;
  readonly unit: Unit;
  readonly quota: number;
  /** 0 where there is no window (concurrency). */
  readonly windowSeconds: number;
};

/** The unchanging text of one limit. Make it once per limit and keep it: `toLimitText`. */
export type LimitText = {
  /** The name as an RFC 9651 string, quotes included. */
  readonly name: string;
  /** The whole member of `RateLimit-Policy`. */
  readonly policy: string;
};

/** Where one limit stands now. */
export type RateLimitState = {
  readonly text: LimitText;
  /** What is left, in the steps of the limit's unit; rounded down, not below 0. */
  readonly remaining: number;
  /** Seconds until more is available, rounded up; undefined where that is not known. */
  readonly resetSeconds: number | undefined;
  /** Percent used where a warning is due, otherwise undefined. */
  readonly warnUsedPercent: number | undefined;
};

/** Values of the three fields; '' = leave the field out. */
export type RateLimitFields = {
  readonly policy: string;
  readonly rateLimit: string;
  readonly warning: string;
};

/** The texts of a limit. Any name is made a valid string: what is not printable ASCII becomes `?`. */
export function toLimitText(limit: LimitDescription): LimitText {
  const name = toStructuredString(limit.name);
  const windowSeconds = toWhole(limit.windowSeconds);
  const window = windowSeconds === 0 ? '' : `;w=${windowSeconds}`;
  return {
    name,
    policy: `${name};q=${toWhole(limit.quota)};qu="${UNIT_LABELS[limit.unit].quotaUnit}"${window}`,
  };
}

/** The fields for these limits, in their order: put the tightest first, and leave out what is not worth its bytes. */
export function toRateLimitFields(states: readonly RateLimitState[]): RateLimitFields {
  let policy = '';
  let rateLimit = '';
  let warning = '';
  for (const state of states) {
    const { text, resetSeconds, warnUsedPercent } = state;
    const separator = policy === '' ? '' : ', ';
    policy += separator + text.policy;
    rateLimit += `${separator}${text.name};r=${toWhole(state.remaining)}`;
    if (resetSeconds !== undefined) rateLimit += `;t=${toWhole(Math.ceil(resetSeconds))}`;
    if (warnUsedPercent !== undefined) {
      warning += `${warning === '' ? '' : ', '}${text.name};used=${toWhole(warnUsedPercent)}`;
    }
  }
  return { policy, rateLimit, warning };
}

/** RFC 9651, 4.1.6: printable ASCII between quotes, `"` and `\` escaped. */
function toStructuredString(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
