// A refusal in the words of the Anthropic API: its error envelope, with the Backpressure object beside it.

import type { DenyClass, Refusal } from '../../../core/refusal.ts';
import { toBackpressure } from '../../../core/signal/backpressure.ts';
import { httpStatusOf } from '../../../core/signal/deny-class.ts';
import { toMessage } from '../../../core/signal/message.ts';
import { type FamilyReading, type LimitFamily, readFamilies } from '../limit-families.ts';
import type { Answer, AnswerContext } from '../protocol.ts';
import { type Header, toDialectAnswer } from '../refusal-headers.ts';

/** `error.type` of the envelope: the provider's own names. */
const ERROR_TYPES: Readonly<Record<DenyClass, string>> = {
  THROTTLED: 'rate_limit_error',
  DEFERRED: 'rate_limit_error',
  EXHAUSTED: 'rate_limit_error',
  TOO_LARGE: 'request_too_large',
  FORBIDDEN: 'permission_error',
  INVALID: 'invalid_request_error',
  UNAUTHENTICATED: 'authentication_error',
  UPSTREAM_FAILED: 'api_error',
  UNAVAILABLE: 'overloaded_error',
};

/** Dollars, tool calls and slots are in no family. */
const FAMILIES: readonly LimitFamily[] = [
  { name: 'requests', units: ['Requests'] },
  { name: 'tokens', units: ['TotalTokens'] },
  { name: 'input-tokens', units: ['InputTokens'] },
  { name: 'output-tokens', units: ['OutputTokens'] },
];

/** The provider's status for "try again soon, it is not you". */
const OVERLOADED = 529;

/** Renders a refusal for Anthropic SDKs. The body is JSON of at most 2 KiB; nothing in it comes from the caller. */
export function toAnswer(refusal: Refusal, context: AnswerContext): Answer {
  return toDialectAnswer(refusal, context, {
    status: refusal.class === 'UNAVAILABLE' ? OVERLOADED : httpStatusOf(refusal),
    contentType: 'application/json',
    // The SDKs show this header as the error's request id.
    headers: [
      ['request-id', context.decisionId],
      ...readFamilies(refusal, FAMILIES).flatMap((reading) => toFamilyHeaders(reading, context.wallClockMs)),
    ],
    toBody: (fitted) => toEnvelope(fitted, context),
  });
}

function toEnvelope(refusal: Refusal, context: AnswerContext): unknown {
  const message = toMessage(refusal);
  return {
    type: 'error',
    error: { type: ERROR_TYPES[refusal.class], message },
    request_id: context.decisionId,
    // Without a message at the top the TypeScript SDK shows the whole body as the error's text, names of policies
    // included, and frameworks that search this text would find more in it than we say.
    message,
    flyball: toBackpressure(refusal, context),
  };
}

function toFamilyHeaders(reading: FamilyReading, wallClockMs: number): readonly Header[] {
  const prefix = `anthropic-ratelimit-${reading.family}`;
  const headers: Header[] = [
    [`${prefix}-limit`, String(reading.limit)],
    [`${prefix}-remaining`, String(reading.remaining)],
  ];
  if (reading.resetMs !== undefined) {
    headers.push([`${prefix}-reset`, toTimestamp(wallClockMs + reading.resetMs)]);
  }
  return headers;
}

/** RFC 3339 in UTC, rounded up to a whole second. */
function toTimestamp(wallClockMs: number): string {
  return new Date(Math.ceil(wallClockMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
