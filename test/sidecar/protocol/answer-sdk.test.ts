// What the official SDKs, with their default settings, make of an answer: calls on the wire, the error that the caller
// sees, and whether an announced wait is kept. The whole matrix over the real proxy is elsewhere.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import type { DenyClass, Reason } from '../../../core/refusal.ts';
import * as anthropic from '../../../sidecar/protocol/anthropic/answer.ts';
import * as openai from '../../../sidecar/protocol/openai/answer.ts';
import type { Answer } from '../../../sidecar/protocol/protocol.ts';
import { refusalOf } from '../../core/signal/refusals.ts';

/** A server that refuses the first `refusals` calls and serves the rest. */
type Refuser = { readonly url: string; readonly arrivalsMs: number[]; close(): Promise<void> };

const open: Refuser[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((refuser) => refuser.close()));
});

async function startRefuser(answer: Answer, refusals: number, success: unknown): Promise<Refuser> {
  const arrivalsMs: number[] = [];
  const server: Server = createServer((request, response) => {
    arrivalsMs.push(performance.now());
    request.resume();
    if (arrivalsMs.length <= refusals) {
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(answer.body);
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(success));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listens on TCP, so never a path or null
  const refuser: Refuser = {
    url: `http://127.0.0.1:${port}`,
    arrivalsMs,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  open.push(refuser);
  return refuser;
}

const SDKS = {
  openai: {
    toAnswer: openai.toAnswer,
    success: { id: 'a', object: 'chat.completion', choices: [] },
    call: (baseURL: string): Promise<unknown> =>
      new OpenAI({ baseURL, apiKey: 'none' }).chat.completions.create({
        model: 'm',
        messages: [{ role: 'user', content: 'hello' }],
      }),
  },
  anthropic: {
    toAnswer: anthropic.toAnswer,
    success: { id: 'a', type: 'message', role: 'assistant', content: [] },
    call: (baseURL: string): Promise<unknown> =>
      new Anthropic({ baseURL, apiKey: 'none' }).messages.create({
        model: 'm',
        max_tokens: 1,
        messages: [{ role: 'user', content: 'hello' }],
      }),
  },
} as const;

const CONTEXT = {
  decisionId: '01J9ZK3Q6V7N2M5R8T0W4X1Y3B',
  wallClockMs: Date.parse('2026-11-24'),
  attempt: 1,
};

async function callRefused(sdk: keyof typeof SDKS, answer: Answer, refusals: number) {
  const { call, success } = SDKS[sdk];
  const refuser = await startRefuser(answer, refusals, success);
  const outcome: unknown = await call(refuser.url).then(
    () => 'served',
    (error: unknown) => error,
  );
  const [first, second] = refuser.arrivalsMs;
  return {
    outcome,
    calls: refuser.arrivalsMs.length,
    waitedMs: (second ?? Number.NaN) - (first ?? Number.NaN),
  };
}

describe.each(['openai', 'anthropic'] as const)('the %s SDK', (sdk) => {
  const { toAnswer } = SDKS[sdk];
  const errors = sdk === 'openai' ? OpenAI : Anthropic;

  it.each<[DenyClass, Reason, abstract new (...parameters: never) => Error]>([
    ['DEFERRED', 'TOKEN_RATE_EXCEEDED', errors.RateLimitError],
    ['EXHAUSTED', 'BUDGET_EXHAUSTED', errors.RateLimitError],
    ['TOO_LARGE', 'REQUEST_EXCEEDS_LIMIT', errors.APIError],
    ['FORBIDDEN', 'LIMIT_IS_ZERO', errors.PermissionDeniedError],
    ['INVALID', 'MALFORMED_REQUEST', errors.BadRequestError],
    ['UNAUTHENTICATED', 'IDENTITY_INVALID', errors.AuthenticationError],
  ])('calls once for %s and shows its own error with our text', async (denyClass, reason, errorClass) => {
    const answer = toAnswer(refusalOf(denyClass, reason, 1), CONTEXT);
    const { outcome, calls } = await callRefused(sdk, answer, Number.POSITIVE_INFINITY);
    expect(calls).toBe(1);
    expect(outcome).toBeInstanceOf(errorClass);
    expect(outcome).toMatchObject({ status: answer.status, requestID: CONTEXT.decisionId });
    const { message } = JSON.parse(answer.body).error;
    expect((outcome as Error).message).toBe(`${answer.status} ${message}`); // an instance of errorClass, see above
  });

  it('waits as long as THROTTLED says, in milliseconds rather than seconds, and is then served', async () => {
    const answer = toAnswer({ ...refusalOf('THROTTLED', 'TOKEN_RATE_EXCEEDED', 1), waitMs: 1100 }, CONTEXT);
    const { outcome, calls, waitedMs } = await callRefused(sdk, answer, 1);
    expect([outcome, calls]).toEqual(['served', 2]);
    expect(waitedMs).toBeGreaterThanOrEqual(1099);
    expect(waitedMs).toBeLessThan(2000);
  });

  it('gives up on THROTTLED after three calls', async () => {
    const answer = toAnswer({ ...refusalOf('THROTTLED', 'TOKEN_RATE_EXCEEDED', 1), waitMs: 50 }, CONTEXT);
    const { outcome, calls } = await callRefused(sdk, answer, Number.POSITIVE_INFINITY);
    expect(calls).toBe(3);
    expect(outcome).toBeInstanceOf(errors.RateLimitError);
  });

  it('waits at least a second on UNAVAILABLE and is then served', async () => {
    const answer = toAnswer({ ...refusalOf('UNAVAILABLE', 'POLICIES_MISSING', 0), waitMs: 0 }, CONTEXT);
    const { outcome, calls, waitedMs } = await callRefused(sdk, answer, 1);
    expect([outcome, calls]).toEqual(['served', 2]);
    expect(waitedMs).toBeGreaterThanOrEqual(999);
  });

  it('repeats UPSTREAM_FAILED at its own pace and is then served', async () => {
    const answer = toAnswer(refusalOf('UPSTREAM_FAILED', 'UPSTREAM_UNREACHABLE', 0), CONTEXT);
    const { outcome, calls } = await callRefused(sdk, answer, 1);
    expect([outcome, calls]).toEqual(['served', 2]);
  });
});
