// What may never be called: restricted tools, limits of 0, paid routes that cannot be read, models without a price.

import { afterEach, describe, expect, it } from 'vitest';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { readMetric, readRecord, readUsed } from './books.ts';
import { askChat, chatBody } from './chat.ts';
import { createRawClients, headerOf, type RawAnswer, requestOf } from './raw-client.ts';

const REQUESTS = '{name: requests, unit: Requests, rates: [{limit: 100, window: 744h}]}';
const DOLLARS = '{name: spend, unit: USD, rates: [{limit: "10.00", window: 744h}]}';
const NO_DELETION = '  restrictedTools: ["delete_*"]\n';

let governed: Governed;
afterEach(async () => governed.close());

const connect = createRawClients();

async function start(limits: readonly string[], rest = ''): Promise<void> {
  governed = await startGoverned({ policies: policyOf(limits, rest), upstreams: { tools: '/tools' } });
}

/** Sends a path exactly as it is written, which no HTTP library does. */
async function askRaw(path: string, method = 'POST'): Promise<RawAnswer> {
  const client = connect(governed.sidecar.port);
  await client.send(requestOf(`${method} ${path}`, ''));
  return client.answer({ toHead: method === 'HEAD' });
}

function reasonOf(answer: RawAnswer): readonly [number, string | undefined] {
  return [answer.status, headerOf(answer, 'flyball-reason')];
}

describe('a restricted tool', () => {
  it.each([
    '/upstream/tools/delete_file',
    '/upstream/tools/delete_file/',
    '/upstream/tools/delete_file?x=1',
    '/upstream/tools/delete_file;v=1',
    '/upstream/tools/delete_file%3Bv=1',
    '/upstream/tools/v1/delete_file',
    '/upstream/tools/a/b/c/delete_file/run',
    '/@other/upstream/tools/delete_file',
    '/upstream/tools/delete_file%20now',
    '/upstream/tools/DELETE_File',
  ])('is refused wherever it stands in the path: %s', async (path) => {
    await start([REQUESTS], NO_DELETION);
    expect(reasonOf(await askRaw(path))).toEqual([403, 'TOOL_RESTRICTED']);
    expect(governed.provider.meter.total().calls).toBe(0);
    expect(await readUsed(governed)).toEqual({ requests: 0 });
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('is refused for %s too', async (method) => {
    await start([REQUESTS], NO_DELETION);
    expect(reasonOf(await askRaw('/upstream/tools/delete_file', method))).toEqual([403, 'TOOL_RESTRICTED']);
    expect(governed.provider.meter.total().calls).toBe(0);
  });

  it.each([
    '/upstream/tools/./delete_file',
    '/upstream/tools/x/../delete_file',
    '/upstream/tools//delete_file',
    '/upstream//tools/delete_file',
    '//upstream/tools/delete_file',
    '/upstream/tools/%64elete_file',
    '/upstream/tools/%2e/delete_file',
    '/upstream/tools/%2E%2e/delete_file',
    '/upstream/tools/x%2fdelete_file',
    '/upstream/tools/x%5cdelete_file',
    '/upstream/tools/x\\delete_file',
    '/upstream/tools/delete_file%00',
    '/upstream/tools/delete_file%0d%0a',
    '/upstream/tools/%2564elete_file',
    '/upstream/tools/delete%5ffile',
    '/upstream/tools/delete_file#x',
    '/upstream/tools/delete_file%',
    '/upstream/tools/delete_file%ff',
    '/upstream/tools/../tools/delete_file',
    '/openai/v1/../../upstream/tools/delete_file',
    '/@../upstream/tools/delete_file',
    `/upstream/tools/${'a/'.repeat(65)}delete_file`,
    `/upstream/tools/${'a'.repeat(8_192)}/delete_file`,
  ])('cannot be hidden by a path that has two readings: %s', async (path) => {
    await start([REQUESTS], NO_DELETION);
    expect(reasonOf(await askRaw(path))).toEqual([400, 'MALFORMED_REQUEST']);
    expect(governed.provider.meter.total().calls).toBe(0);
    expect(await readUsed(governed)).toEqual({ requests: 0 });
  });

  it('leaves others alone', async () => {
    await start([REQUESTS], NO_DELETION);
    expect((await askRaw('/upstream/tools/search;v=1/undelete_file')).status).toBe(200);
  });
});

describe('allowed tools', () => {
  it.each([
    ['/upstream/tools/search', 200],
    ['/upstream/tools/search/deep', 200],
    ['/upstream/tools/search;v=1', 200],
    ['/upstream/tools/Search', 200],
    ['/upstream/tools/other', 403],
    ['/upstream/tools/other/search', 403],
    ['/upstream/tools', 403],
    ['/upstream/tools/', 403],
  ])('are the first name of the path: %s is answered %s', async (path, status) => {
    await start([REQUESTS], '  allowedTools: ["search"]\n');
    expect((await askRaw(path)).status).toBe(status);
    expect(governed.provider.meter.total().calls).toBe(status === 200 ? 1 : 0);
  });
});

describe('a limit that matches tools', () => {
  it('of 0 forbids them', async () => {
    await start([
      '{name: none, match: {tools: ["send_*"]}, unit: Requests, rates: [{limit: 0, window: 1h}]}',
    ]);
    expect(reasonOf(await askRaw('/upstream/tools/v2/send_email'))).toEqual([403, 'LIMIT_IS_ZERO']);
    expect((await askRaw('/upstream/tools/read')).status).toBe(200);
    expect(governed.provider.meter.total({ path: '/tools/v2' }).calls).toBe(0);
  });

  it('counts one tool, however it is spelt, and refuses in problem details', async () => {
    await start([
      '{name: mail, match: {tools: [send]}, per: [tool], unit: Requests, rates: [{limit: 2, window: 744h}], onLimit: {action: Deny}}',
    ]);
    expect((await askRaw('/upstream/tools/send')).status).toBe(200);
    expect((await askRaw('/upstream/tools/send;a=1')).status).toBe(200);
    const refused = await askRaw('/upstream/tools/send;b=2');
    expect(reasonOf(refused)).toEqual([429, 'REQUEST_RATE_EXCEEDED']);
    expect(headerOf(refused, 'content-type')).toBe('application/problem+json');
    expect(JSON.parse(refused.body.toString())).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      status: 429,
      'violated-policies': ['test/mail'],
      flyball: { class: 'DEFERRED', executed: false },
    });
    expect(governed.provider.meter.total().calls).toBe(2);
  });
});

describe('a paid route that cannot be read', () => {
  const PAID = [
    '/openai/v1/embeddings',
    '/openai/v1/responses',
    '/openai/v1/images/generations',
    '/openai/v1/batches',
    '/openai/v1/made/up',
    '/anthropic/v1/messages/batches',
    '/anthropic/v1/complete',
  ];
  const UNITS: readonly (readonly [string, string])[] = [
    ['TotalTokens', '100k'],
    ['InputTokens', '100k'],
    ['OutputTokens', '100k'],
    ['USD', '"10.00"'],
  ];

  it.each(PAID)('is refused under a limit of tokens or dollars, and never sent: %s', async (path) => {
    for (const [unit, amount] of UNITS) {
      await start([REQUESTS, `{name: spend, unit: ${unit}, rates: [{limit: ${amount}, window: 744h}]}`]);
      const answer = await askRaw(path);
      expect(reasonOf(answer)).toEqual([403, 'ROUTE_NOT_METERED']);
      expect(answer.body.toString()).toContain(`The limit counts ${unit}`);
      expect(governed.provider.meter.total().calls).toBe(0);
      expect((await readUsed(governed)).requests).toBe(0);
      await governed.close();
    }
    await start([REQUESTS]);
  });

  it.each(PAID)('is counted where only requests are: %s', async (path) => {
    await start([REQUESTS]);
    expect((await askRaw(path)).status).not.toBe(403);
    expect(governed.provider.meter.total().calls).toBe(1);
    expect(await readUsed(governed)).toEqual({ requests: 1 });
  });

  it.each([
    ['GET', '/openai/v1/models'],
    ['GET', '/openai/v1/files/file-AbC%3A1'],
    ['GET', '/anthropic/v1/models'],
    ['POST', '/anthropic/v1/messages/count_tokens'],
  ])('is another than a free one: %s %s', async (method, path) => {
    await start([REQUESTS, DOLLARS]);
    expect((await askRaw(path, method)).status).not.toBe(403);
    expect(governed.provider.meter.total().calls).toBe(1);
  });

  it.each([
    '/openai/v1/chat/completions/',
    '/openai/v1/Chat/Completions',
    '/openai/v1/chat/completions;v=1',
    '/openai/v1/chat;v=1/completions',
    '/anthropic/v1/messages/',
    '/anthropic/messages;v=1',
    '/anthropic/v1/MESSAGES',
  ])('is not a disguise for a model call: %s', async (path) => {
    await start([REQUESTS]);
    expect(reasonOf(await askRaw(path))).toEqual([400, 'MALFORMED_REQUEST']);
    expect(governed.provider.meter.total().calls).toBe(0);
  });
});

describe('a model call', () => {
  it.each([
    '/openai/v1/chat/completions',
    '/@other/openai/v1/chat/completions',
    '/upstream/openai/chat/completions',
  ])('is one whichever way it comes: %s', async (path) => {
    await start([
      '{name: none, match: {models: [gpt-5-mini]}, unit: Requests, rates: [{limit: 0, window: 1h}]}',
    ]);
    const response = await fetch(governed.url + path, { method: 'POST', body: JSON.stringify(chatBody({})) });
    expect([response.status, response.headers.get('flyball-reason')]).toEqual([403, 'LIMIT_IS_ZERO']);
    expect(governed.provider.meter.total().calls).toBe(0);
  });
});

describe('a model without a price', () => {
  it('is refused under a limit of dollars, and never sent', async () => {
    await start([REQUESTS, DOLLARS]);
    const { status, headers, text } = await askChat(governed, chatBody({ model: 'made-up-model' }));
    expect([status, headers.get('flyball-reason')]).toEqual([403, 'MODEL_WITHOUT_PRICE']);
    expect(JSON.parse(text)).toMatchObject({ error: { flyball: { class: 'FORBIDDEN', executed: false } } });
    expect(governed.provider.meter.total().calls).toBe(0);
    expect(await readUsed(governed)).toEqual({ requests: 0, spend: 0 });
  });

  it('passes where only tokens are counted', async () => {
    await start([REQUESTS, '{name: tokens, unit: TotalTokens, rates: [{limit: 100k, window: 744h}]}']);
    expect((await askChat(governed, chatBody({ model: 'made-up-model' }))).status).toBe(200);
  });
});

describe('Shadow', () => {
  it.each([
    ['a rate', ['{name: r, unit: Requests, rates: [{limit: 1, window: 744h}]}'], '', 'DEFERRED'],
    ['a limit of 0', ['{name: r, unit: Requests, rates: [{limit: 0, window: 1h}]}'], '', 'FORBIDDEN'],
    ['a restricted tool', [REQUESTS], '  restrictedTools: [search]\n', 'FORBIDDEN'],
  ])('refuses nothing and records what it would have refused: %s', async (_name, limits, rest, denyClass) => {
    await start(limits, `${rest}  mode: Shadow\n`);
    const send = (): Promise<RawAnswer> => askRaw('/upstream/tools/search');
    await send();
    const answer = await send();
    expect(answer.status).toBe(200);
    expect(governed.provider.meter.total().calls).toBe(2);
    const { decision } = await readRecord(governed, answer);
    expect(decision).toMatchObject({ outcome: 'shadow', class: denyClass, agent: 'agent', tool: 'search' });
  });

  it.each([
    ['a paid route that cannot be read', 'TotalTokens', '100k'],
    ['a paid route that cannot be read', 'USD', '"10.00"'],
  ])('refuses nothing: %s under %s', async (_name, unit, amount) => {
    await start([`{name: s, unit: ${unit}, mode: Shadow, rates: [{limit: ${amount}, window: 744h}]}`]);
    const answer = await askRaw('/openai/v1/embeddings');
    expect(answer.status).toBe(400);
    expect(governed.provider.meter.total().calls).toBe(1);
    const { decision } = await readRecord(governed, answer);
    expect(decision).toMatchObject({ outcome: 'shadow', class: 'FORBIDDEN', reason: 'ROUTE_NOT_METERED' });
    expect(decision.limits).toEqual([expect.objectContaining({ limit: 's', unit })]);
  });

  it('records the numbers of the limit that would have refused', async () => {
    await start(['{name: r, unit: Requests, mode: Shadow, rates: [{limit: 1, window: 1h}]}']);
    await askRaw('/upstream/tools/search');
    const answer = await askRaw('/upstream/tools/search');
    const { decision } = await readRecord(governed, answer);
    expect(decision.limits).toEqual([
      expect.objectContaining({ limit: 'r', quota: 1, remaining: 0, requested: 1 }),
    ]);
    expect(decision.waitMs).toBeGreaterThan(3_500_000);
    expect(decision.waitMs).toBeLessThanOrEqual(3_600_000);
  });
});

describe('a tool that a policy forbids', () => {
  it.each([
    { mode: 'Enforce', status: 403, outcome: 'deny' },
    { mode: 'Shadow', status: 200, outcome: 'shadow' },
  ])('names that policy in ledger, metrics and answer: $mode', async ({ mode, status, outcome }) => {
    await start([REQUESTS], `  restrictedTools: [search]\n  mode: ${mode}\n`);
    const answer = await askRaw('/upstream/tools/search');
    expect(answer.status).toBe(status);
    const { decision } = await readRecord(governed, answer);
    expect(decision).toMatchObject({
      outcome,
      reason: 'TOOL_RESTRICTED',
      policy: 'default/test',
      limits: [],
    });
    const labels = { policy: 'default/test', limit: 'none', outcome, class: 'FORBIDDEN' };
    expect(await readMetric(governed, 'flyball_decisions_total', labels)).toBe(1);
    if (mode === 'Shadow') return;
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      flyball: { policy: { namespace: 'default', name: 'test', limit: null, revision: 1 }, violations: [] },
    });
  });

  it('is in the revisions in force although its policy has no limit', async () => {
    await start([REQUESTS]);
    governed.change(policyOf([], '  restrictedTools: [search]\n').replace('  limits:\n', ''));
    expect(await readMetric(governed, 'flyball_policy_revision', { policy: 'default/test' })).toBe(2);
  });
});
