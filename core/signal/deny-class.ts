// One table says what each deny class means on every wire, and one which reasons belong to which class.
// Everything else in core/signal and every answer.ts reads these two.

import type { DenyClass, Reason, Refusal } from '../refusal.ts';

/** What the loop of an agent should do about a refusal. */
export type Action = 'wait' | 'reduce' | 'use_task' | 'stop' | 'ask_human';

/**
 * How a class announces its wait.
 * - none: waiting does not help, or nobody knows for how long.
 * - wait: `Retry-After` holds the refusal's wait within [minMs, maxMs]; `inMs` adds `retry-after-ms`.
 */
type RetryAfterRule =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly minMs: number; readonly maxMs: number; readonly inMs: boolean };

export type DenyClassRule = {
  /** The status in OpenAI's dialect and in plain HTTP. */
  readonly httpStatus: number;
  /** Name of the gRPC status code. */
  readonly grpcCode:
    | 'RESOURCE_EXHAUSTED'
    | 'OUT_OF_RANGE'
    | 'PERMISSION_DENIED'
    | 'INVALID_ARGUMENT'
    | 'UNAUTHENTICATED'
    | 'UNAVAILABLE';
  readonly retryAfter: RetryAfterRule;
  /** `x-should-retry`, which the OpenAI and Anthropic SDKs obey. Absent: they decide by status and Retry-After. */
  readonly shouldRetry: 'absent' | 'false';
  readonly action: Action;
  /** True when the same call, unchanged, may pass later. */
  readonly retryable: boolean;
};

/** Delay-seconds that every client can hold (RFC 9111, 1.2.2: at least 2^31). */
export const MAX_WAIT_MS = 2_147_483_647_000;

const NO_WAIT: RetryAfterRule = { kind: 'none' };

/** The rule of every class. */
export const DENY_CLASS_RULES: Readonly<Record<DenyClass, DenyClassRule>> = {
  THROTTLED: {
    httpStatus: 429,
    grpcCode: 'RESOURCE_EXHAUSTED',
    retryAfter: { kind: 'wait', minMs: 1, maxMs: MAX_WAIT_MS, inMs: true },
    shouldRetry: 'absent',
    action: 'wait',
    retryable: true,
  },
  // No retry-after-ms: SDKs that sleep for any length read it first, and nobody should sleep inside a call this long.
  DEFERRED: {
    httpStatus: 429,
    grpcCode: 'RESOURCE_EXHAUSTED',
    retryAfter: { kind: 'wait', minMs: 1, maxMs: MAX_WAIT_MS, inMs: false },
    shouldRetry: 'false',
    action: 'stop',
    retryable: true,
  },
  EXHAUSTED: {
    httpStatus: 429,
    grpcCode: 'RESOURCE_EXHAUSTED',
    retryAfter: NO_WAIT,
    shouldRetry: 'false',
    action: 'ask_human',
    retryable: false,
  },
  TOO_LARGE: {
    httpStatus: 413,
    grpcCode: 'OUT_OF_RANGE',
    retryAfter: NO_WAIT,
    shouldRetry: 'false',
    action: 'reduce',
    retryable: false,
  },
  FORBIDDEN: {
    httpStatus: 403,
    grpcCode: 'PERMISSION_DENIED',
    retryAfter: NO_WAIT,
    shouldRetry: 'false',
    action: 'stop',
    retryable: false,
  },
  INVALID: {
    httpStatus: 400,
    grpcCode: 'INVALID_ARGUMENT',
    retryAfter: NO_WAIT,
    shouldRetry: 'false',
    action: 'stop',
    retryable: false,
  },
  UNAUTHENTICATED: {
    httpStatus: 401,
    grpcCode: 'UNAUTHENTICATED',
    retryAfter: NO_WAIT,
    shouldRetry: 'false',
    action: 'ask_human',
    retryable: false,
  },
  UPSTREAM_FAILED: {
    httpStatus: 502,
    grpcCode: 'UNAVAILABLE',
    retryAfter: NO_WAIT,
    shouldRetry: 'absent',
    action: 'wait',
    retryable: true,
  },
  UNAVAILABLE: {
    httpStatus: 503,
    grpcCode: 'UNAVAILABLE',
    retryAfter: { kind: 'wait', minMs: 1000, maxMs: 5000, inMs: true },
    shouldRetry: 'absent',
    action: 'wait',
    retryable: true,
  },
};

export type ReasonRule = {
  /** The classes that may carry the reason. */
  readonly classes: readonly DenyClass[];
  /**
   * Whether the numbers of the violated limits are the cause. Otherwise a refusal may still name a limit (the one that
   * counts dollars, when a model has no price), but its level says nothing.
   */
  readonly byNumbers: boolean;
  /** One sentence; said to the caller where the refusal brings no detail of its own. */
  readonly meaning: string;
};

const BY_WAIT = ['THROTTLED', 'DEFERRED'] as const;

/** The rule of every reason. A refusal whose class is not listed under its reason is a bug of its maker. */
export const REASON_RULES: Readonly<Record<Reason, ReasonRule>> = {
  REQUEST_RATE_EXCEEDED: {
    classes: BY_WAIT,
    byNumbers: true,
    meaning: 'Too many calls in the window of a limit.',
  },
  TOKEN_RATE_EXCEEDED: {
    classes: BY_WAIT,
    byNumbers: true,
    meaning: 'Too many tokens in the window of a limit.',
  },
  SPEND_RATE_EXCEEDED: {
    classes: BY_WAIT,
    byNumbers: true,
    meaning: 'Too many dollars in the window of a limit.',
  },
  CONCURRENCY_EXCEEDED: { classes: BY_WAIT, byNumbers: true, meaning: 'Too many calls are running at once.' },
  BUDGET_EXHAUSTED: {
    classes: ['THROTTLED', 'DEFERRED', 'EXHAUSTED'],
    byNumbers: true,
    meaning: 'A budget is used up.',
  },
  REQUEST_EXCEEDS_LIMIT: {
    classes: ['TOO_LARGE'],
    byNumbers: true,
    meaning: 'The call costs more than a limit lets any single call cost.',
  },
  BODY_TOO_LARGE: {
    classes: ['TOO_LARGE'],
    byNumbers: false,
    meaning: 'The request body is larger than may be sent.',
  },
  LIMIT_IS_ZERO: {
    classes: ['FORBIDDEN'],
    byNumbers: true,
    meaning: 'A limit of 0 forbids calls of this kind.',
  },
  TOOL_RESTRICTED: {
    classes: ['FORBIDDEN'],
    byNumbers: false,
    meaning: 'A policy does not let this agent call the tool.',
  },
  ROUTE_NOT_METERED: {
    classes: ['FORBIDDEN'],
    byNumbers: false,
    meaning: 'The route may cost tokens or dollars that cannot be read, and a limit counts them.',
  },
  MODEL_WITHOUT_PRICE: {
    classes: ['FORBIDDEN'],
    byNumbers: false,
    meaning: 'The model is not in the price table, and a limit counts dollars.',
  },
  MALFORMED_REQUEST: { classes: ['INVALID'], byNumbers: false, meaning: 'The request cannot be read.' },
  UNKNOWN_ROUTE: { classes: ['INVALID'], byNumbers: false, meaning: 'The path names no upstream.' },
  IDENTITY_INVALID: {
    classes: ['UNAUTHENTICATED'],
    byNumbers: false,
    meaning: 'The identity is missing or contradicts itself.',
  },
  UPSTREAM_UNREACHABLE: {
    classes: ['UPSTREAM_FAILED'],
    byNumbers: false,
    meaning: 'No connection to the upstream could be made.',
  },
  UPSTREAM_TIMEOUT: {
    classes: ['UPSTREAM_FAILED'],
    byNumbers: false,
    meaning: 'The upstream did not answer in time.',
  },
  UPSTREAM_BROKEN: {
    classes: ['UPSTREAM_FAILED'],
    byNumbers: false,
    meaning: 'The upstream closed the connection before its answer began, or answered nonsense.',
  },
  POLICIES_MISSING: {
    classes: ['UNAVAILABLE'],
    byNumbers: false,
    meaning: 'No policies have been received yet, so nothing may be admitted.',
  },
  SHUTTING_DOWN: { classes: ['UNAVAILABLE'], byNumbers: false, meaning: 'This process is shutting down.' },
};

/** Whether a refusal of this class may give this reason. */
export function mayCarry(denyClass: DenyClass, reason: Reason): boolean {
  return REASON_RULES[reason].classes.includes(denyClass);
}

/** The HTTP status of a refusal: its class's, but 504 where the upstream failed by not answering in time. */
export function httpStatusOf(refusal: Pick<Refusal, 'class' | 'reason'>): number {
  return refusal.reason === 'UPSTREAM_TIMEOUT' ? 504 : DENY_CLASS_RULES[refusal.class].httpStatus;
}

/**
 * False where the call certainly reached no upstream; null where that is not known: the bytes had been sent when the
 * upstream fell silent or broke. Never true: what was executed is not refused.
 */
export function executedOf(reason: Reason): false | null {
  return reason === 'UPSTREAM_TIMEOUT' || reason === 'UPSTREAM_BROKEN' ? null : false;
}
