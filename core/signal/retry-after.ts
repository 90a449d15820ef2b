// How long a caller is told to wait. Whole seconds for everybody, milliseconds for those who read them; never 0, a
// float or a date, each of which some SDK turns into an immediate retry.

import type { Refusal } from '../refusal.ts';
import { DENY_CLASS_RULES, MAX_WAIT_MS } from './deny-class.ts';

/**
 * The longest announced wait, in whole seconds, that SDKs keep. At 60 and above some of them ignore Retry-After and
 * come back within a second, others sleep for any length.
 */
const MAX_THROTTLED_SECONDS = 59;

/** One wait in the two forms of the wire. `seconds * 1000 >= ms` always. */
export type RetryAfter = {
  /** `Retry-After`: a whole number, at least 1. */
  readonly seconds: number;
  /** `retry-after-ms`: a whole number, at least 1. */
  readonly ms: number;
};

/** A wait rounded up to both forms. What is below 1 ms or not a number is 1 ms; at most 2^31 - 1 s. */
export function toRetryAfter(waitMs: number): RetryAfter {
  const ms = waitMs > 1 ? Math.ceil(Math.min(waitMs, MAX_WAIT_MS)) : 1;
  return { seconds: Math.ceil(ms / 1000), ms };
}

/** THROTTLED where the announced whole seconds are at most 59, otherwise DEFERRED. */
export function classOfWait(waitMs: number): 'THROTTLED' | 'DEFERRED' {
  return toRetryAfter(waitMs).seconds <= MAX_THROTTLED_SECONDS ? 'THROTTLED' : 'DEFERRED';
}

/** What a refusal announces, within the bounds of its class; undefined where its class announces nothing. */
export function announcedWait(refusal: Pick<Refusal, 'class' | 'waitMs'>): RetryAfter | undefined {
  const rule = DENY_CLASS_RULES[refusal.class].retryAfter;
  if (rule.kind === 'none') return undefined;
  return toRetryAfter(refusal.waitMs > rule.minMs ? Math.min(refusal.waitMs, rule.maxMs) : rule.minMs);
}
