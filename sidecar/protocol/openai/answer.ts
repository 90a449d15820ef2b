// A refusal in the words of the OpenAI API: the error envelope that its SDKs and the frameworks on them know, with the
// Backpressure object inside it.

import type { DenyClass, Refusal } from '../../../core/refusal.ts';
import { toTenths } from '../../../core/signal/amount.ts';
import { toBackpressure } from '../../../core/signal/backpressure.ts';
import { httpStatusOf } from '../../../core/signal/deny-class.ts';
import { toMessage } from '../../../core/signal/message.ts';
import { type FamilyReading, type LimitFamily, readFamilies } from '../limit-families.ts';
import type { Answer, AnswerContext } from '../protocol.ts';
import { type Header, toDialectAnswer } from '../refusal-headers.ts';

/**
 * `type` and `code` of the envelope. `insufficient_quota` makes frameworks stop instead of backing off; the other
 * codes are the provider's own where it has one.
 */
const ERROR_NAMES: Readonly<Record<DenyClass, { readonly type: string; readonly code: string }>> = {
  THROTTLED: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  DEFERRED: { type: 'insufficient_quota', code: 'insufficient_quota' },
  EXHAUSTED: { type: 'insufficient_quota', code: 'insufficient_quota' },
  TOO_LARGE: { type: 'invalid_request_error', code: 'request_too_large' },
  FORBIDDEN: { type: 'permission_error', code: 'permission_denied' },
  INVALID: { type: 'invalid_request_error', code: 'invalid_request' },
  UNAUTHENTICATED: { type: 'authentication_error', code: 'identity_invalid' },
  UPSTREAM_FAILED: { type: 'server_error', code: 'upstream_failed' },
  UNAVAILABLE: { type: 'server_error', code: 'unavailable' },
};

/** Dollars, tool calls and slots are in neither family. */
const FAMILIES: readonly LimitFamily[] = [
  { name: 'requests', units: ['Requests'] },
  { name: 'tokens', units: ['TotalTokens', 'InputTokens', 'OutputTokens'] },
];

/** Renders a refusal for OpenAI SDKs. The body is JSON of at most 2 KiB; nothing in it comes from the caller. */
export function toAnswer(refusal: Refusal, context: AnswerContext): Answer {
  return toDialectAnswer(refusal, context, {
    status: httpStatusOf(refusal),
    contentType: 'application/json',
    // The SDKs show this header as the error's request id.
    headers: [
      ['x-request-id', context.decisionId],
      ...readFamilies(refusal, FAMILIES).flatMap(toFamilyHeaders),
    ],
    toBody: (fitted) => ({
      error: {
        message: toMessage(fitted),
        ...ERROR_NAMES[fitted.class],
        param: null,
        flyball: toBackpressure(fitted, context),
      },
    }),
  });
}

function toFamilyHeaders({ family, limit, remaining, resetMs }: FamilyReading): readonly Header[] {
  const headers: Header[] = [
    [`x-ratelimit-limit-${family}`, String(limit)],
    [`x-ratelimit-remaining-${family}`, String(remaining)],
  ];
  if (resetMs !== undefined) headers.push([`x-ratelimit-reset-${family}`, `${toTenths(resetMs)}s`]);
  return headers;
}
