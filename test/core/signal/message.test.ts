import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DenyClass, Reason } from '../../../core/refusal.ts';
import { executedOf } from '../../../core/signal/deny-class.ts';
import { toMessage } from '../../../core/signal/message.ts';
import { announcedWait } from '../../../core/signal/retry-after.ts';
import type { Unit } from '../../../core/unit.ts';
import { anyRefusal, CARRIED, refusalOf, sampleRefusal, sampleViolation } from './refusals.ts';

/** What LangChain.js looks for in the text of a 429: a wait, and words after which it never tries again. */
const WAIT = /(?:try again in|retry after)\s+(\d+(?:\.\d+)?)\s*s\b/i;
const STOP =
  /insufficient.?quota|exceeded (?:your|the current|the available).+quota|usage quota|quota (?:has been )?exhausted|billing|credit balance|out of credits|will reset at/i;

describe('toMessage', () => {
  it.each<[DenyClass, Reason, string]>([
    [
      'THROTTLED',
      'TOKEN_RATE_EXCEEDED',
      'Rate limit reached for code-review/output (output tokens per 60 s): limit 50000, left 200, requested 900. The call was not executed. Please try again in 3.2s.',
    ],
    [
      'THROTTLED',
      'CONCURRENCY_EXCEEDED',
      'Rate limit reached for code-review/at-once (concurrent calls): limit 10, left 0, requested 1. The call was not executed. Please try again in 3.2s.',
    ],
    [
      'DEFERRED',
      'SPEND_RATE_EXCEEDED',
      'Limit reached for code-review/dollars (dollars per 86400 s): limit 25.00, left 0.12, requested 0.4515. The call was not executed. It fits again in 7413 s (2.1 h): do not repeat it before that; do other work, or stop and report when it can go on.',
    ],
    [
      'EXHAUSTED',
      'BUDGET_EXHAUSTED',
      'Budget used up for code-review/budget (dollars): limit 25.00, left 0.00, requested 0.4515. The call was not executed. Waiting does not bring it back: stop, report it, and ask the owner of policy code-review to raise the limit.',
    ],
    [
      'TOO_LARGE',
      'REQUEST_EXCEEDS_LIMIT',
      'The call is too large for code-review/output (output tokens per 60 s): at most 10000 fit in one call, requested 60000. The call was not executed. Waiting does not help: shrink it to at most 10000 output tokens, for example with max_tokens 10000 or less.',
    ],
    [
      'FORBIDDEN',
      'LIMIT_IS_ZERO',
      'The call is not allowed by code-review/output (output tokens per 60 s): its limit is 0. The call was not executed. Do not repeat it: do without it, or ask the owner of policy code-review to allow it.',
    ],
    [
      'FORBIDDEN',
      'MODEL_WITHOUT_PRICE',
      'The model is not in the price table, and a limit counts dollars. The call was not executed. Do not repeat it: do without it, or ask the owner of policy code-review to allow it.',
    ],
    [
      'INVALID',
      'MALFORMED_REQUEST',
      'The request cannot be read. The call was not executed. Correct the request before sending it again.',
    ],
    [
      'UNAUTHENTICATED',
      'IDENTITY_INVALID',
      'The identity is missing or contradicts itself. The call was not executed. Repeating it unchanged does not help: correct the identity, or ask a person to.',
    ],
    [
      'UPSTREAM_FAILED',
      'UPSTREAM_UNREACHABLE',
      'No connection to the upstream could be made. The call was not executed. It may be repeated unchanged.',
    ],
    [
      'UPSTREAM_FAILED',
      'UPSTREAM_TIMEOUT',
      'The upstream did not answer in time. The upstream may have executed the call. Repeat it only if running it twice does no harm.',
    ],
    [
      'UNAVAILABLE',
      'POLICIES_MISSING',
      'No policies have been received yet, so nothing may be admitted. The call was not executed. Please try again in 2.5s.',
    ],
  ])('%s %s says what happened and what to do', (denyClass, reason, text) => {
    expect(toMessage(refusalOf(denyClass, reason, 1))).toBe(text);
  });

  it('says the detail, as a sentence, where numbers are not the cause', () => {
    const text = toMessage({
      ...refusalOf('INVALID', 'MALFORMED_REQUEST', 0),
      detail: 'messages is missing',
    });
    expect(text).toMatch(/^messages is missing\. The call was not executed\. /);
  });

  it.each(CARRIED)('%s %s says whether anything ran, with limits and without', (denyClass, reason) => {
    for (const limits of [0, 1, 3] as const) {
      const text = toMessage(refusalOf(denyClass, reason, limits));
      expect(text.includes('The call was not executed.')).toBe(executedOf(reason) === false);
      expect(WAIT.test(text)).toBe(denyClass === 'THROTTLED' || denyClass === 'UNAVAILABLE');
    }
  });

  it('makes a reader of the text wait long enough, and never stop, when THROTTLED', () => {
    fc.assert(
      fc.property(anyRefusal, ({ waitMs, violations }) => {
        const refusal = sampleRefusal({ waitMs, violations });
        const text = toMessage(refusal);
        const seconds = Number(WAIT.exec(text)?.[1]);
        // The text is a decimal of whole milliseconds; times 1000 a double may miss it by its last bit.
        expect(Math.round(seconds * 1000)).toBeGreaterThanOrEqual(announcedWait(refusal)?.ms ?? Number.NaN);
        expect(text).not.toMatch(STOP);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    'billing',
    'usage-quota',
    'credit-balance',
  ])('does not say the name of policy %s while waiting helps, and says it otherwise', (name) => {
    const violations = [sampleViolation({ policy: { namespace: 'agents', name, revision: 1 } })];
    expect(toMessage(sampleRefusal({ violations }))).toMatch(
      /^Rate limit reached for this call \(output tokens/,
    );
    expect(toMessage(sampleRefusal({ class: 'DEFERRED', violations }))).toContain(name);
  });

  it('does not say a detail while waiting helps, for it may hold a word that ends the waiting', () => {
    const text = toMessage(sampleRefusal({ violations: [], detail: 'The quota is exhausted.' }));
    expect(text).toBe('Rate limit reached. The call was not executed. Please try again in 3.2s.');
  });

  it.each([
    [61_000, '61 s:'],
    [119_000, '119 s:'],
    [120_000, '120 s (2 min):'],
    [7_200_000, '7200 s (2 h):'],
    [172_800_000, '172800 s (2 days):'],
    [2_592_000_000, '2592000 s (30 days):'],
  ])('says a deferred wait of %d ms as %j', (waitMs, words) => {
    expect(toMessage(sampleRefusal({ class: 'DEFERRED', waitMs }))).toContain(`It fits again in ${words}`);
  });

  it.each<[Unit, number, string]>([
    ['USD', 25_000_000, '25.00'],
    ['USD', 1500, '0.0015'],
    ['USD', 1, '0.000001'],
    ['USD', 10_100_000, '10.10'],
    ['ComputeSeconds', 1500, '1.5'],
    ['Requests', 3, '3'],
    ['TotalTokens', 7.9, '7'],
  ])('says %s %d as %s', (unit, quota, words) => {
    expect(toMessage(sampleRefusal({ violations: [sampleViolation({ unit, quota })] }))).toContain(
      `limit ${words}, `,
    );
  });

  it.each<[Unit, string]>([
    ['InputTokens', 'at most 10 input tokens by shortening the input.'],
    ['OutputTokens', 'at most 10 output tokens, for example with max_tokens 10 or less.'],
    ['TotalTokens', 'at most 10 total tokens by shortening the input or lowering max_tokens.'],
    ['ToolCalls', 'at most 10 tool calls.'],
  ])('says how a call is made to fit a limit of %s', (unit, advice) => {
    const violations = [sampleViolation({ unit, quota: 10 })];
    const text = toMessage({ ...refusalOf('TOO_LARGE', 'REQUEST_EXCEEDS_LIMIT', 1), violations });
    expect(text).toContain(advice);
  });
});
