import { validateHeaderName, validateHeaderValue } from 'node:http';
import fc from 'fast-check';
import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { DENY_CLASSES, type DenyClass, type Reason, type Refusal } from '../../../core/refusal.ts';
import { DENY_CLASS_RULES } from '../../../core/signal/deny-class.ts';
import * as anthropic from '../../../sidecar/protocol/anthropic/answer.ts';
import * as http from '../../../sidecar/protocol/http/answer.ts';
import * as openai from '../../../sidecar/protocol/openai/answer.ts';
import type { Answer, AnswerContext } from '../../../sidecar/protocol/protocol.ts';
import {
  anyRefusal,
  CARRIED,
  refusalOf,
  sampleRefusal,
  sampleViolation,
} from '../../core/signal/refusals.ts';
import { expectGolden } from '../../golden-file.ts';

const DIALECTS = { openai, anthropic, http };
const NAMES = ['openai', 'anthropic', 'http'] as const;

const CONTEXT: AnswerContext = {
  decisionId: '01J9ZK3Q6V7N2M5R8T0W4X1Y3B',
  wallClockMs: Date.parse('2026-11-24T16:00:00.123Z'),
  attempt: 1,
};

const UPSTREAM_TIMEOUT: Reason = 'UPSTREAM_TIMEOUT';

/** What each dialect says natively, written a second time: OpenAI status/type/code | Anthropic | problem type. */
const NATIVE: Readonly<Record<DenyClass, readonly [openai: string, anthropic: string, http: string]>> = {
  THROTTLED: ['429 rate_limit_error rate_limit_exceeded', '429 rate_limit_error', '429 quota-exceeded'],
  DEFERRED: ['429 insufficient_quota insufficient_quota', '429 rate_limit_error', '429 quota-exceeded'],
  EXHAUSTED: ['429 insufficient_quota insufficient_quota', '429 rate_limit_error', '429 quota-exceeded'],
  TOO_LARGE: [
    '413 invalid_request_error request_too_large',
    '413 request_too_large',
    '413 Content Too Large',
  ],
  FORBIDDEN: ['403 permission_error permission_denied', '403 permission_error', '403 Forbidden'],
  INVALID: ['400 invalid_request_error invalid_request', '400 invalid_request_error', '400 Bad Request'],
  UNAUTHENTICATED: [
    '401 authentication_error identity_invalid',
    '401 authentication_error',
    '401 Unauthorized',
  ],
  UPSTREAM_FAILED: ['502 server_error upstream_failed', '502 api_error', '502 Bad Gateway'],
  UNAVAILABLE: ['503 server_error unavailable', '529 overloaded_error', '503 temporary-reduced-capacity'],
};

function headersOf(answer: Answer): Record<string, string> {
  const headers = Object.fromEntries(answer.headers);
  expect(Object.keys(headers).length, 'a header is sent once').toBe(answer.headers.length);
  return headers;
}

function toTranscript(name: keyof typeof DIALECTS): string {
  const cases = CARRIED.flatMap(([denyClass, reason]) =>
    (reason === 'TOKEN_RATE_EXCEEDED' ? ([0, 1, 3] as const) : ([0, 1] as const)).map((limits) => {
      const answer = DIALECTS[name].toAnswer(refusalOf(denyClass, reason, limits), CONTEXT);
      const headers = answer.headers.map(([header, value]) => `${header}: ${value}\n`).join('');
      return `# ${denyClass} ${reason}, limits: ${limits}\n${answer.status}\n${headers}\n${answer.body}\n`;
    }),
  );
  return cases.join('\n');
}

describe.each(NAMES)('toAnswer of %s', (name) => {
  const { toAnswer } = DIALECTS[name];

  it('renders every class and reason, with limits and without, as in the transcript', () => {
    expectGolden(import.meta.url, `answers-${name}.txt`, toTranscript(name));
  });

  it('is of valid headers and a JSON body of at most 2 KiB whatever the refusal holds', () => {
    fc.assert(
      fc.property(anyRefusal, (refusal) => {
        const answer = toAnswer(refusal, CONTEXT);
        for (const [header, value] of answer.headers) {
          validateHeaderName(header);
          validateHeaderValue(header, value);
          expect(header).toBe(header.toLowerCase());
        }
        expect(answer.body).toMatch(/^[\x20-\x7e]*$/);
        expect(answer.body.length).toBeLessThanOrEqual(2048);
        expect(objectOf(answer)).toMatchObject({ v: 1, class: refusal.class, reason: refusal.reason });
      }),
      { numRuns: 1500 },
    );
  });

  it('holds the longest legal names within 2 KiB, however many limits were violated', () => {
    const longest = sampleViolation({
      policy: { namespace: 'n'.repeat(63), name: 'p'.repeat(253), revision: Number.MAX_SAFE_INTEGER },
      quota: 999_999_999_999_999,
      remaining: 999_999_999_999_999,
      requested: 999_999_999_999_999,
      windowSeconds: 2_678_400,
      maxPerCall: 999_999_999_999_999,
    });
    for (const [denyClass, reason] of CARRIED) {
      for (const count of [1, 2, 5, 40]) {
        const violations = Array.from({ length: count }, (_, index) => ({
          ...longest,
          limit: `${index}`.padEnd(63, 'l'),
        }));
        const waitMs = Number.MAX_SAFE_INTEGER;
        const detail = 'd'.repeat(5000);
        const { body } = toAnswer({ class: denyClass, reason, waitMs, violations, detail }, CONTEXT);
        expect(body.length).toBeLessThanOrEqual(2048);
        expect(JSON.parse(body)).toBeTypeOf('object');
      }
    }
  });

  it('reads nothing of a refusal but what the contract lists', () => {
    const canary = 'CANARY-prompt-or-key';
    const violation = {
      ...sampleViolation(),
      key: canary,
      policy: { ...sampleViolation().policy, spec: canary },
    };
    for (const [denyClass, reason] of CARRIED) {
      const refusal = {
        ...refusalOf(denyClass, reason, 0),
        violations: [violation],
        call: canary,
        user: canary,
      };
      expect(JSON.stringify(toAnswer(refusal, { ...CONTEXT, ...{ path: canary } }))).not.toContain('CANARY');
    }
  });

  it('does not say the name of a limit where it would end the waiting', () => {
    const violations = [sampleViolation({ policy: { namespace: 'agents', name: 'billing', revision: 1 } })];
    expect(textOf(bodyOf(toAnswer(sampleRefusal({ violations }), CONTEXT)))).not.toContain('billing');
  });

  it.each(DENY_CLASSES)('answers %s natively', (denyClass) => {
    const reason = CARRIED.find(([candidate]) => candidate === denyClass)?.[1] ?? UPSTREAM_TIMEOUT;
    expect(nativeOf(toAnswer(refusalOf(denyClass, reason, 1), CONTEXT))).toBe(
      NATIVE[denyClass][NAMES.indexOf(name)],
    );
  });

  it('answers 504 where the upstream did not answer in time', () => {
    const answer = toAnswer(refusalOf('UPSTREAM_FAILED', UPSTREAM_TIMEOUT, 0), CONTEXT);
    expect(answer.status).toBe(504);
    expect(bodyOf(answer).title).toBe(name === 'http' ? 'Gateway Timeout' : undefined);
  });

  it('says the same text as the other dialects', () => {
    const refusal = refusalOf('DEFERRED', 'SPEND_RATE_EXCEEDED', 1);
    const texts = NAMES.map((dialect) =>
      textOf(JSON.parse(DIALECTS[dialect].toAnswer(refusal, CONTEXT).body)),
    );
    expect(new Set(texts).size).toBe(1);
  });
});

describe('the headers of every refusal', () => {
  const anyDialect = fc.constantFrom(...NAMES);

  it('say whose decision it is and why, and forbid storing it', () => {
    for (const name of NAMES) {
      expect(headersOf(DIALECTS[name].toAnswer(sampleRefusal(), CONTEXT))).toMatchObject({
        'flyball-decision': CONTEXT.decisionId,
        'flyball-origin': 'flyball',
        'flyball-reason': 'TOKEN_RATE_EXCEEDED',
        'cache-control': 'no-store',
        'content-type': name === 'http' ? 'application/problem+json' : 'application/json',
      });
    }
  });

  it('announce waits as their class says: whole numbers of at least 1, the seconds never shorter', () => {
    fc.assert(
      fc.property(anyRefusal, anyDialect, (refusal, name) => {
        const headers = headersOf(DIALECTS[name].toAnswer(refusal, CONTEXT));
        const rule = DENY_CLASS_RULES[refusal.class];
        expect('retry-after' in headers).toBe(rule.retryAfter.kind === 'wait');
        expect('retry-after-ms' in headers).toBe(rule.retryAfter.kind === 'wait' && rule.retryAfter.inMs);
        expect(headers['x-should-retry']).toBe(rule.shouldRetry === 'false' ? 'false' : undefined);
        for (const header of ['retry-after', 'retry-after-ms']) {
          expect(headers[header] ?? '1').toMatch(/^[1-9][0-9]*$/);
        }
        const milliseconds = Number(headers['retry-after-ms'] ?? 1);
        expect(Number(headers['retry-after'] ?? 1) * 1000).toBeGreaterThanOrEqual(milliseconds);
      }),
      { numRuns: 5000 },
    );
  });

  it('describe the violated limits in well-formed RateLimit fields that never reset after Retry-After', () => {
    fc.assert(
      fc.property(anyRefusal, anyDialect, (refusal, name) => {
        const headers = headersOf(DIALECTS[name].toAnswer(refusal, CONTEXT));
        const policies = parseList(headers['ratelimit-policy'] ?? '');
        const states = parseList(headers.ratelimit ?? '');
        expect(states.map(([limit]) => limit)).toEqual(policies.map(([limit]) => limit));
        expect(policies.length).toBeLessThanOrEqual(8);
        for (const [, parameters] of states) {
          const resetSeconds = Number(parameters.get('t') ?? 0);
          expect(resetSeconds).toBeLessThanOrEqual(Number(headers['retry-after'] ?? 0));
        }
      }),
      { numRuns: 10_000 },
    );
  });

  it('list a limit once, though two of its windows were violated', () => {
    const violations = [sampleViolation(), sampleViolation({ windowSeconds: 3600, quota: 1_000_000 })];
    const headers = headersOf(openai.toAnswer(sampleRefusal({ violations }), CONTEXT));
    expect(headers['ratelimit-policy']).toBe('"code-review/output";q=50000;qu="flyball:output_tokens";w=60');
  });

  it('tell the time of a reset for the binding limit only', () => {
    const headers = headersOf(http.toAnswer(refusalOf('THROTTLED', 'TOKEN_RATE_EXCEEDED', 3), CONTEXT));
    expect(headers.ratelimit).toBe(
      '"code-review/output";r=200;t=4, "code-review/hourly";r=0, "code-review/requests";r=0',
    );
  });

  it('carry no levels where these are not the cause', () => {
    for (const name of NAMES) {
      const answer = DIALECTS[name].toAnswer(refusalOf('FORBIDDEN', 'MODEL_WITHOUT_PRICE', 1), CONTEXT);
      expect(answer.headers.filter(([header]) => header.includes('ratelimit'))).toEqual([]);
      expect(answer.body).not.toContain('violated-policies');
    }
  });

  it('challenge with a 401, and only then', () => {
    for (const [denyClass, reason] of CARRIED) {
      const headers = headersOf(http.toAnswer(refusalOf(denyClass, reason, 0), CONTEXT));
      expect(headers['www-authenticate']).toBe(denyClass === 'UNAUTHENTICATED' ? 'Flyball' : undefined);
    }
  });
});

describe('the rate headers of the providers', () => {
  const violations = [
    sampleViolation({ unit: 'Requests', quota: 5, remaining: 0 }),
    sampleViolation({ unit: 'USD' }),
    sampleViolation({ unit: 'InputTokens', quota: 70, remaining: 7 }),
    sampleViolation({ unit: 'OutputTokens', quota: 90, remaining: 9 }),
  ];
  const rateHeaders = (answer: Answer) => answer.headers.filter(([header]) => header.includes('-ratelimit-'));

  it('of OpenAI give the first violated limit of each family, and the reset of the binding one', () => {
    expect(rateHeaders(openai.toAnswer(sampleRefusal({ violations }), CONTEXT))).toEqual([
      ['x-ratelimit-limit-requests', '5'],
      ['x-ratelimit-remaining-requests', '0'],
      ['x-ratelimit-reset-requests', '3.2s'],
      ['x-ratelimit-limit-tokens', '70'],
      ['x-ratelimit-remaining-tokens', '7'],
    ]);
  });

  it('of Anthropic keep input and output tokens apart, and reset at a whole second', () => {
    expect(rateHeaders(anthropic.toAnswer(sampleRefusal({ violations }), CONTEXT))).toEqual([
      ['anthropic-ratelimit-requests-limit', '5'],
      ['anthropic-ratelimit-requests-remaining', '0'],
      ['anthropic-ratelimit-requests-reset', '2026-11-24T16:00:04Z'],
      ['anthropic-ratelimit-input-tokens-limit', '70'],
      ['anthropic-ratelimit-input-tokens-remaining', '7'],
      ['anthropic-ratelimit-output-tokens-limit', '90'],
      ['anthropic-ratelimit-output-tokens-remaining', '9'],
    ]);
  });

  it('of Anthropic have no reset where no wait is announced', () => {
    const refusal: Refusal = refusalOf('TOO_LARGE', 'REQUEST_EXCEEDS_LIMIT', 1);
    const names = rateHeaders(anthropic.toAnswer(refusal, CONTEXT)).map(([header]) => header);
    expect(names.some((header) => header.endsWith('-reset'))).toBe(false);
  });
});

type Body = {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly error?: {
    readonly type: string;
    readonly code?: string;
    readonly message: string;
    readonly flyball?: unknown;
  };
  readonly flyball?: unknown;
};

function bodyOf(answer: Answer): Body {
  return JSON.parse(answer.body);
}

/** The Backpressure object, wherever the dialect carries it. */
function objectOf(answer: Answer): unknown {
  const body = bodyOf(answer);
  return body.flyball ?? body.error?.flyball;
}

function textOf(body: Body): string | undefined {
  return body.detail ?? body.error?.message;
}

/** Status and names of the answer in its own dialect, as NATIVE writes them. */
function nativeOf(answer: Answer): string {
  const { type, title, error } = bodyOf(answer);
  const name =
    error === undefined
      ? type === 'about:blank'
        ? title
        : type?.replace('https://iana.org/assignments/http-problem-types#', '')
      : [error.type, error.code].filter((part) => part !== undefined).join(' ');
  return `${answer.status} ${name}`;
}
