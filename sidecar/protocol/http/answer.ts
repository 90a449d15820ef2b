// A refusal for any other HTTP client: problem details (RFC 9457) with the problem types of the RateLimit draft.

import type { DenyClass, Refusal } from '../../../core/refusal.ts';
import { toBackpressure } from '../../../core/signal/backpressure.ts';
import { httpStatusOf } from '../../../core/signal/deny-class.ts';
import { toMessage } from '../../../core/signal/message.ts';
import { countedViolations, limitName } from '../../../core/signal/violation.ts';
import type { Answer, AnswerContext } from '../protocol.ts';
import { toDialectAnswer } from '../refusal-headers.ts';

type Problem = { readonly type: string; readonly title: string };

const QUOTA_EXCEEDED: Problem = {
  type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  title: 'Request cannot be satisfied as assigned quota has been exceeded',
};

const TEMPORARY_REDUCED_CAPACITY: Problem = {
  type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
  title: 'Request cannot be satisfied due to temporary server capacity constraints',
};

/** RFC 9457, 4.2.1: with `about:blank` the title is the phrase of the status. */
function plain(title: string): Problem {
  return { type: 'about:blank', title };
}

const PROBLEMS: Readonly<Record<DenyClass, Problem>> = {
  THROTTLED: QUOTA_EXCEEDED,
  DEFERRED: QUOTA_EXCEEDED,
  EXHAUSTED: QUOTA_EXCEEDED,
  TOO_LARGE: plain('Content Too Large'),
  FORBIDDEN: plain('Forbidden'),
  INVALID: plain('Bad Request'),
  UNAUTHENTICATED: plain('Unauthorized'),
  UPSTREAM_FAILED: plain('Bad Gateway'),
  UNAVAILABLE: TEMPORARY_REDUCED_CAPACITY,
};

const GATEWAY_TIMEOUT = plain('Gateway Timeout');

/** Renders a refusal as problem+json. The body is JSON of at most 2 KiB; nothing in it comes from the caller. */
export function toAnswer(refusal: Refusal, context: AnswerContext): Answer {
  const status = httpStatusOf(refusal);
  return toDialectAnswer(refusal, context, {
    status,
    contentType: 'application/problem+json',
    headers: [],
    toBody: (fitted) => ({
      ...(status === 504 ? GATEWAY_TIMEOUT : PROBLEMS[fitted.class]),
      status,
      detail: toMessage(fitted),
      instance: `urn:flyball:decision:${context.decisionId}`,
      ...toViolatedPolicies(fitted),
      flyball: toBackpressure(fitted, context),
    }),
  });
}

/** The draft's member: names as they stand in `RateLimit-Policy`, each once. */
function toViolatedPolicies(refusal: Refusal): { readonly 'violated-policies'?: readonly string[] } {
  const names = countedViolations(refusal).map(({ policy, limit }) => limitName(policy.name, limit));
  return names.length === 0 ? {} : { 'violated-policies': [...new Set(names)] };
}
