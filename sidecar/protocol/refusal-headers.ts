// What every dialect has in common: the headers that a refusal carries whatever its body looks like, and the rule that
// a body stays within its size.

import type { Refusal } from '../../core/refusal.ts';
import { MAX_SIGNAL_BYTES } from '../../core/signal/backpressure.ts';
import { DENY_CLASS_RULES } from '../../core/signal/deny-class.ts';
import { fitRefusal, MAX_VIOLATIONS } from '../../core/signal/fit-refusal.ts';
import { type RateLimitState, toLimitText, toRateLimitFields } from '../../core/signal/rate-limit-fields.ts';
import { announcedWait } from '../../core/signal/retry-after.ts';
import { countedViolations, limitName } from '../../core/signal/violation.ts';
import type { Answer, AnswerContext } from './protocol.ts';

/** Name and value of a header, the name in lower case. */
export type Header = Answer['headers'][number];

/** A refusal as a dialect sees it: the status it answers with and the headers and body of its own. */
export type Dialect = {
  readonly status: number;
  readonly contentType: string;
  readonly headers: readonly Header[];
  /** The body for a refusal of which perhaps not every violation is shown. Its JSON is ASCII. */
  readonly toBody: (fitted: Refusal) => unknown;
};

/** The answer in one dialect: the common headers, then the dialect's, and a body of at most MAX_SIGNAL_BYTES. */
export function toDialectAnswer(refusal: Refusal, context: AnswerContext, dialect: Dialect): Answer {
  return {
    status: dialect.status,
    headers: [
      ['content-type', dialect.contentType],
      ...toRefusalHeaders(refusal, context),
      ...dialect.headers,
    ],
    body: fitRefusal(
      refusal,
      (fitted) => JSON.stringify(dialect.toBody(fitted)),
      (body) => body.length <= MAX_SIGNAL_BYTES,
    ),
  };
}

/**
 * The headers of every refusal, in any dialect: whose decision it is and why, how long to wait, and the violated
 * limits. `content-length` is the sender's to add.
 */
function toRefusalHeaders(refusal: Refusal, context: AnswerContext): readonly Header[] {
  return [
    ['flyball-decision', context.decisionId],
    ['flyball-origin', 'flyball'],
    ['flyball-reason', refusal.reason],
    ['cache-control', 'no-store'],
    ...toWaitHeaders(refusal),
    ...toLimitHeaders(refusal),
    // RFC 9110, 15.5.2 demands a challenge with a 401; identity comes from the pod, not from a login.
    ...(refusal.class === 'UNAUTHENTICATED' ? [['www-authenticate', 'Flyball'] as const] : []),
  ];
}

function toWaitHeaders(refusal: Refusal): readonly Header[] {
  const rule = DENY_CLASS_RULES[refusal.class];
  const wait = announcedWait(refusal);
  const headers: Header[] = [];
  if (wait !== undefined) headers.push(['retry-after', String(wait.seconds)]);
  if (wait !== undefined && rule.retryAfter.kind === 'wait' && rule.retryAfter.inMs) {
    headers.push(['retry-after-ms', String(wait.ms)]);
  }
  if (rule.shouldRetry === 'false') headers.push(['x-should-retry', 'false']);
  return headers;
}

function toLimitHeaders(refusal: Refusal): readonly Header[] {
  const fields = toRateLimitFields(toStates(refusal));
  return fields.policy === ''
    ? []
    : [
        ['ratelimit-policy', fields.policy],
        ['ratelimit', fields.rateLimit],
      ];
}

/** One state for each violated limit; of several windows of one limit the first, which is the binding one. */
function toStates(refusal: Refusal): readonly RateLimitState[] {
  const states = new Map<string, RateLimitState>();
  for (const violation of countedViolations(refusal)) {
    const name = limitName(violation.policy.name, violation.limit);
    if (states.has(name) || states.size === MAX_VIOLATIONS) continue;
    states.set(name, {
      text: toLimitText({ ...violation, name }),
      remaining: violation.remaining,
      // The announced wait is the binding limit's; for the others it is only an upper bound.
      resetSeconds: states.size === 0 ? announcedWait(refusal)?.seconds : undefined,
      warnUsedPercent: undefined,
    });
  }
  return [...states.values()];
}
