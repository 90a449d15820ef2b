// What the sidecar answers itself.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePrometheusText } from '../../runtime/prometheus-text.ts';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { readLimits, readMetric, readRecord, readUsed } from './books.ts';
import { askChat, chatBody } from './chat.ts';

let governed: Governed;
beforeEach(async () => {
  governed = await startGoverned({
    policies: policyOf([
      '{name: calls, per: [user], unit: Requests, rates: [{limit: 10, window: 744h, burst: 5}]}',
      '{name: chats, per: [session, model], unit: Requests, rates: [{limit: 100, window: 744h}]}',
      '{name: agents, per: [agent], unit: Requests, rates: [{limit: 1k, window: 744h}], mode: Shadow}',
      '{name: spend, unit: USD, rates: [{limit: "2.50", window: 744h}], match: {kinds: [LLM]}}',
      '{name: slots, unit: Concurrency, max: 4}',
    ]),
    upstreams: { tools: '/tools' },
  });
});
afterEach(async () => governed.close());

describe('GET /v1/limits', () => {
  it('shows every limit as full before the first call, with the asker’s keys', async () => {
    expect(await readLimits(governed)).toEqual({
      agent: 'agent',
      namespace: 'default',
      revision: 1,
      limits: [
        {
          policy: 'default/test',
          limit: 'calls',
          unit: 'Requests',
          mode: 'Enforce',
          match: {},
          key: { user: 'unknown' },
          quota: 10,
          windowSeconds: 2_678_400,
          burst: 5,
          remaining: 5,
          usedPercent: 0,
          resetSeconds: 0,
        },
        expect.objectContaining({
          limit: 'chats',
          key: { session: 'pod', model: 'unknown' },
          remaining: 100,
        }),
        expect.objectContaining({
          limit: 'agents',
          key: { agent: 'agent' },
          mode: 'Shadow',
          remaining: 1_000,
        }),
        expect.objectContaining({
          limit: 'spend',
          quota: '2.50',
          remaining: '2.50',
          match: { kinds: ['LLM'] },
        }),
        expect.objectContaining({
          limit: 'slots',
          quota: 4,
          windowSeconds: 0,
          remaining: 4,
          resetSeconds: 0,
        }),
      ],
    });
  });

  it('charges nothing, makes no bucket and takes no slot, however often it is asked', async () => {
    for (let i = 0; i < 20; i++) await readLimits(governed, { 'flyball-user': `user-${i}` }, `/@agent-${i}`);
    expect(await readMetric(governed, 'flyball_buckets')).toBe(0);
    expect(Object.values(await readUsed(governed)).every((used) => used === 0)).toBe(true);
    expect(await readMetric(governed, 'flyball_decisions_total')).toBe(0);
  });

  it('shows the keys of the asker and nobody else’s', async () => {
    const send = (path: string, headers: Record<string, string>): Promise<Response> =>
      fetch(`${governed.url}${path}/upstream/tools/search`, { headers });
    await send('', { 'flyball-user': 'ann', 'x-session-id': 's-1' });
    await send('', { 'flyball-user': 'ann', 'x-session-id': 's-2' });
    await send('', { 'flyball-user': 'bob', 'x-session-id': 's-3' });
    await send('/@other', { 'flyball-user': 'ann', 'x-session-id': 's-4' });
    const mine = await readLimits(governed, { 'flyball-user': 'ann', 'flyball-session': 's-1' });
    const used = mine.limits.map(({ limit, key, burst, remaining }) => [
      limit,
      key,
      Number(burst) - Number(remaining),
    ]);
    // A limit per user alone is shared by agents; the view of a session shows no other one.
    expect(used).toEqual([
      ['calls', { user: 'ann' }, 3],
      ['chats', { session: 's-1', model: 'unknown' }, 1],
      ['agents', { agent: 'agent' }, 3],
      ['spend', {}, 0],
      ['slots', {}, 0],
    ]);
    const other = JSON.stringify(await readLimits(governed, { 'flyball-user': 'eve' }, '/@other'));
    expect(other).toContain('"agent":"other"');
    for (const secret of ['ann', 'bob', 's-1', 's-2', 's-3', 's-4'])
      expect(other).not.toContain(`"${secret}"`);
  });

  it('counts what a call of the asker costs, in dollars too', async () => {
    await askChat(governed, chatBody({ user: 'ann' }));
    await governed.provider.meter.idle();
    expect(await readUsed(governed, { 'flyball-user': 'ann' })).toMatchObject({
      calls: 1,
      spend: governed.provider.meter.total().costMicros,
      slots: 0,
    });
  });

  it('shows a key without a bucket of its own what the keys that share one have left', async () => {
    const send = async (n: number): Promise<void> => {
      const response = await fetch(`${governed.url}/upstream/tools/search`, {
        headers: { 'x-session-id': `s-${n}` },
      });
      await response.arrayBuffer();
    };
    governed.change(
      policyOf(['{name: chats, per: [session, model], unit: Requests, rates: [{limit: 20k, window: 744h}]}']),
    );
    // One agent has 1,000 keys of its own under a limit; ten more spend from a bucket that they share.
    for (let n = 0; n < 1_010; n++) await send(n);
    const shown = (await readLimits(governed, { 'flyball-session': 's-1005' })).limits;
    expect(shown).toEqual([
      expect.objectContaining({ key: { session: 's-1005', model: '(overflow)' }, remaining: 19_990 }),
    ]);
    const own = (await readLimits(governed, { 'flyball-session': 's-5' })).limits;
    expect(own.map(({ remaining }) => remaining)).toEqual([19_999, 19_990]);
  });

  it('answers HEAD without a body, and is not kept by caches', async () => {
    const response = await fetch(`${governed.url}/v1/limits`, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(100);
  });
});

describe('GET /v1/decisions/ID', () => {
  it('tells a decision and how it ended, without a word of the prompt, a key or a path', async () => {
    const body = chatBody({ user: 'ann', messages: [{ role: 'user', content: 'secret words' }] });
    const answer = await askChat(governed, body, { authorization: 'Bearer secret-key' });
    const entry = await readRecord(governed, answer);
    expect(entry.decision).toMatchObject({
      outcome: 'allow',
      kind: 'LLM',
      agent: 'agent',
      user: 'ann',
      model: 'gpt-5-mini',
      upstream: 'openai',
    });
    expect(entry.settle).toMatchObject({ outcome: 'ok', status: 200, estimated: false });
    expect(JSON.stringify(entry)).not.toMatch(/secret|completions|Bearer/);
  });

  it('tells a refusal', async () => {
    for (let i = 0; i < 5; i++) await askChat(governed, chatBody({ user: 'ann' }));
    const refused = await askChat(governed, chatBody({ user: 'ann' }));
    expect(refused.status).toBe(429);
    const { decision, settle } = await readRecord(governed, refused);
    expect(decision).toMatchObject({ outcome: 'deny', class: 'DEFERRED', reason: 'REQUEST_RATE_EXCEEDED' });
    expect(decision.limits[0]).toMatchObject({ limit: 'calls', remaining: 0, requested: 1 });
    expect(settle).toBeUndefined();
  });

  it.each([
    '',
    'x',
    '01M8752Z3RN0M17B5B00000000',
    '..x',
    'a'.repeat(4_000),
    '__proto__',
  ])('does not know the id %j, and makes no decision of the question', async (id) => {
    const response = await fetch(`${governed.url}/v1/decisions/${id}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ status: 404, title: 'Not Found' });
    expect(await readMetric(governed, 'flyball_decisions_total')).toBe(0);
    expect(governed.sidecar.usage()).toEqual([]);
  });
});

describe('an own path that does not exist', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v1/limits/'],
    ['GET', '/v1/chat/completion'],
    ['POST', '/v1/limits'],
    ['DELETE', '/v1/decisions/x'],
    ['GET', '/metrics'],
    ['GET', '/upstream/nothing/x'],
    ['GET', '/openai'],
    ['GET', '/openai/v2/models'],
    ['GET', '/@agent'],
  ])('is refused with the paths that do: %s %s', async (method, path) => {
    const response = await fetch(`${governed.url}${path}`, { method });
    expect(response.status).toBe(400);
    expect(response.headers.get('flyball-reason')).toBe('UNKNOWN_ROUTE');
    expect(response.headers.get('flyball-origin')).toBe('flyball');
    expect(response.headers.get('flyball-decision')).not.toBeNull();
    expect(await response.text()).toMatch(/openai\/v1|--upstream NAME=URL/);
    expect(governed.provider.meter.total().calls).toBe(0);
  });
});

describe('the health port', () => {
  const ask = async (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${governed.sidecar.healthPort}${path}`);

  it('says that the process lives, and that calls may come', async () => {
    expect([(await ask('/healthz')).status, await (await ask('/healthz')).text()]).toEqual([200, 'ok\n']);
    const ready = await ask('/readyz');
    expect(ready.status).toBe(200);
    expect(
      (await ready.text())
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toMatchObject([
      { name: 'calls', ok: true },
      { name: 'policies', ok: true, detail: 'Revision 1 is in force.' },
    ]);
  });

  it('has metrics that a strict reader takes, without users, sessions or keys', async () => {
    await askChat(governed, chatBody({ user: 'ann-the-user' }), {
      authorization: 'Bearer secret-key',
      'x-session-id': 'the-session',
    });
    const text = await governed.metrics();
    const families = parsePrometheusText(text);
    expect(families.get('flyball_decisions_total')?.samples).toHaveLength(1);
    expect(families.get('flyball_policy_revision')?.samples).toEqual([
      { name: 'flyball_policy_revision', labels: { policy: 'default/test' }, value: 1 },
    ]);
    expect(text).not.toMatch(/ann-the-user|the-session|secret-key/);
  });

  it('has nothing else', async () => {
    for (const path of ['/', '/v1/limits', '/openai/v1/models', '/debug']) {
      expect((await ask(path)).status).toBe(404);
    }
  });
});
