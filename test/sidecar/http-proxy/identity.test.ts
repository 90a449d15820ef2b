// Who is calling: the path, then headers, then the protocol's own fields, then what the process knows.

import { afterEach, describe, expect, it } from 'vitest';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { readMetric, readRecord } from './books.ts';
import { askChat, type ChatOutcome, chatBody } from './chat.ts';
import { createRawClients, headerOf, requestHead } from './raw-client.ts';

let governed: Governed;
afterEach(async () => governed.close());

const connect = createRawClients();

async function start(
  limits = ['{name: r, unit: Requests, rates: [{limit: 1M, window: 744h}]}'],
): Promise<void> {
  governed = await startGoverned({ policies: policyOf(limits), upstreams: { tools: '/tools' } });
}

async function callerOf(outcome: Pick<ChatOutcome, 'headers'>): Promise<unknown> {
  const { decision } = await readRecord(governed, outcome);
  return { agent: decision.agent, user: decision.user, session: decision.session };
}

describe('the agent', () => {
  it.each([
    ['/openai/v1', 'agent'],
    ['/@reviewer/openai/v1', 'reviewer'],
    ['/@a.b-c_1/openai/v1', 'a.b-c_1'],
  ])('at %s is %s', async (path, agent) => {
    await start();
    const outcome = await askChat({ openaiBaseUrl: governed.url + path }, chatBody({}));
    expect(await callerOf(outcome)).toMatchObject({ agent });
  });

  it.each([
    '@',
    '@a b',
    '@a%62',
    `@${'a'.repeat(64)}`,
    '@-a',
    '@a@b',
  ])('cannot be called %j', async (segment) => {
    await start();
    const { status, headers } = await askChat(
      { openaiBaseUrl: `${governed.url}/${segment}/openai/v1` },
      chatBody({}),
    );
    expect([status, headers.get('flyball-reason')]).toEqual([400, 'MALFORMED_REQUEST']);
  });

  it('has limits of its own', async () => {
    await start([
      '{name: r, per: [agent], unit: Requests, rates: [{limit: 1, window: 744h}], onLimit: {action: Deny}}',
    ]);
    const ask = async (name: string): Promise<number> =>
      (await askChat({ openaiBaseUrl: `${governed.url}/@${name}/openai/v1` }, chatBody({}))).status;
    expect([await ask('a'), await ask('b'), await ask('a'), await ask('b')]).toEqual([200, 200, 429, 429]);
  });
});

describe('the user', () => {
  it.each([
    ['nobody', {}, {}, 'unknown'],
    ['the field user', { user: 'from-body' }, {}, 'from-body'],
    ['safety_identifier before user', { user: 'u', safety_identifier: 's' }, {}, 's'],
    ['our header before the body', { user: 'from-body' }, { 'flyball-user': 'from-header' }, 'from-header'],
  ])('of an OpenAI call: %s', async (_name, fields, headers, user) => {
    await start();
    expect(await callerOf(await askChat(governed, chatBody(fields), headers))).toMatchObject({ user });
  });

  it('of an Anthropic call is metadata.user_id', async () => {
    await start();
    const response = await fetch(`${governed.anthropicBaseUrl}/v1/messages`, {
      method: 'POST',
      body: JSON.stringify(
        chatBody({ model: 'claude-haiku-4-5', max_tokens: 9, metadata: { user_id: 'ann' } }),
      ),
    });
    expect(await callerOf(response)).toMatchObject({ user: 'ann' });
  });
});

describe('the session', () => {
  const ORDER = ['x-claude-code-session-id', 'session-id', 'session_id', 'x-session-id', 'flyball-session'];

  it('is that of the first header in their order, then the field of the body, then the pod', async () => {
    await start();
    const headers = Object.fromEntries(ORDER.map((name) => [name, `from-${name}`]));
    for (const name of ORDER) {
      expect(
        await callerOf(await askChat(governed, chatBody({ prompt_cache_key: 'body' }), headers)),
      ).toMatchObject({
        session: `from-${name}`,
      });
      delete headers[name];
    }
    expect(await callerOf(await askChat(governed, chatBody({ prompt_cache_key: 'body' })))).toMatchObject({
      session: 'body',
    });
    expect(await callerOf(await askChat(governed, chatBody({})))).toMatchObject({ session: 'pod' });
  });
});

describe('a repeated header', () => {
  it.each([
    ['flyball-user', 401, 'IDENTITY_INVALID'],
    ['Flyball-Session', 401, 'IDENTITY_INVALID'],
    ['X-Session-Id', 401, 'IDENTITY_INVALID'],
    ['session_id', 401, 'IDENTITY_INVALID'],
    ['Authorization', 401, 'IDENTITY_INVALID'],
    ['X-Api-Key', 401, 'IDENTITY_INVALID'],
    ['Content-Type', 400, 'MALFORMED_REQUEST'],
    ['Content-Encoding', 400, 'MALFORMED_REQUEST'],
    ['Host', 400, 'MALFORMED_REQUEST'],
  ])('%s is refused, even with one value', async (name, status, reason) => {
    await start();
    const client = connect(governed.sidecar.port);
    const value = name === 'Host' ? 'localhost' : 'x';
    const lines = [`${name}: ${value}`, `${name.toLowerCase()}: ${value}`];
    await client.send(requestHead('GET /upstream/tools/a', lines));
    const answer = await client.answer();
    expect([answer.status, headerOf(answer, 'flyball-reason')]).toEqual([status, reason]);
    expect(governed.provider.meter.total().calls).toBe(0);
  });
});

describe('made-up identities', () => {
  const MADE_UP = 1_200;

  it.each([
    ['users', 'user', 'flyball-user'],
    ['sessions', 'session', 'x-session-id'],
  ])('never give a second allowance: %s', async (_name, part, header) => {
    await start([
      `{name: each, per: [${part}], unit: Requests, rates: [{limit: 1, window: 744h}], onLimit: {action: Deny}}`,
    ]);
    const ask = async (id: string): Promise<number> => {
      const response = await fetch(`${governed.url}/upstream/tools/a`, { headers: { [header]: id } });
      await response.arrayBuffer();
      return response.status;
    };
    const statuses: number[] = [];
    for (let i = 0; i < MADE_UP; i++) statuses.push(await ask(`made-up-${i}`));
    const admitted = statuses.filter((status) => status === 200).length;
    // 1,000 distinct values have a bucket of their own, all others share one.
    expect(admitted).toBeLessThanOrEqual(1_001);
    expect(statuses.slice(0, 1_000).every((status) => status === 200)).toBe(true);
    for (let i = 0; i < MADE_UP; i += 7) expect(await ask(`made-up-${i}`)).toBe(429);
    expect(governed.provider.meter.total().calls).toBe(admitted);
    expect(await readMetric(governed, 'flyball_overflow_buckets')).toBeGreaterThan(0);
  });

  it('of any number are bounded by the agent’s own limit', async () => {
    await start([
      '{name: each, per: [user], unit: Requests, rates: [{limit: 5, window: 744h}]}',
      '{name: all, per: [agent], unit: Requests, rates: [{limit: 20, window: 744h}], onLimit: {action: Deny}}',
    ]);
    const statuses: number[] = [];
    for (let i = 0; i < 60; i++) {
      const response = await fetch(`${governed.url}/upstream/tools/a`, {
        headers: { 'flyball-user': `u${i}` },
      });
      await response.arrayBuffer();
      statuses.push(response.status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(governed.provider.meter.total().calls).toBe(20);
  });
});
