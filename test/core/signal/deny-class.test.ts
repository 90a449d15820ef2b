import { describe, expect, it } from 'vitest';
import { DENY_CLASSES, type DenyClass, REASONS } from '../../../core/refusal.ts';
import {
  DENY_CLASS_RULES,
  executedOf,
  httpStatusOf,
  mayCarry,
  REASON_RULES,
} from '../../../core/signal/deny-class.ts';

/** The table of docs/signals.md, written a second time. */
const EXPECTED: Readonly<Record<DenyClass, string>> = {
  THROTTLED: '429 RESOURCE_EXHAUSTED seconds+ms absent',
  DEFERRED: '429 RESOURCE_EXHAUSTED seconds false',
  EXHAUSTED: '429 RESOURCE_EXHAUSTED none false',
  TOO_LARGE: '413 OUT_OF_RANGE none false',
  FORBIDDEN: '403 PERMISSION_DENIED none false',
  INVALID: '400 INVALID_ARGUMENT none false',
  UNAUTHENTICATED: '401 UNAUTHENTICATED none false',
  UPSTREAM_FAILED: '502 UNAVAILABLE none absent',
  UNAVAILABLE: '503 UNAVAILABLE seconds+ms absent',
};

describe('DENY_CLASS_RULES', () => {
  it.each(DENY_CLASSES)('%s has the status, code and retry rules of the design', (denyClass) => {
    const { httpStatus, grpcCode, retryAfter, shouldRetry } = DENY_CLASS_RULES[denyClass];
    const wait = retryAfter.kind === 'none' ? 'none' : retryAfter.inMs ? 'seconds+ms' : 'seconds';
    expect(`${httpStatus} ${grpcCode} ${wait} ${shouldRetry}`).toBe(EXPECTED[denyClass]);
  });

  it.each(DENY_CLASSES)('%s is retried by SDKs only if the same call may pass later', (denyClass) => {
    const rule = DENY_CLASS_RULES[denyClass];
    if (rule.shouldRetry === 'absent') expect(rule.retryable).toBe(true);
    if (rule.retryAfter.kind === 'wait') expect(rule.retryable).toBe(true);
  });
});

describe('REASON_RULES', () => {
  it.each(REASONS)('%s belongs to at least one class', (reason) => {
    expect(REASON_RULES[reason].classes.length).toBeGreaterThan(0);
  });

  it.each(DENY_CLASSES)('%s has at least one reason', (denyClass) => {
    expect(REASONS.filter((reason) => mayCarry(denyClass, reason))).not.toEqual([]);
  });

  it('lets a reason that goes by waits be THROTTLED and DEFERRED alike', () => {
    for (const reason of REASONS) expect(mayCarry('DEFERRED', reason)).toBe(mayCarry('THROTTLED', reason));
  });
});

describe('httpStatusOf', () => {
  it('is 504 for an upstream that did not answer in time, else the status of the class', () => {
    expect(httpStatusOf({ class: 'UPSTREAM_FAILED', reason: 'UPSTREAM_TIMEOUT' })).toBe(504);
    expect(httpStatusOf({ class: 'UPSTREAM_FAILED', reason: 'UPSTREAM_BROKEN' })).toBe(502);
    expect(httpStatusOf({ class: 'THROTTLED', reason: 'TOKEN_RATE_EXCEEDED' })).toBe(429);
  });
});

describe('executedOf', () => {
  it('promises "not executed" for every reason but those where the upstream had the call', () => {
    const unknown = REASONS.filter((reason) => executedOf(reason) !== false);
    expect(unknown).toEqual(['UPSTREAM_TIMEOUT', 'UPSTREAM_BROKEN']);
  });
});
