// Ways around a limit that were found by trying, each closed.

import { afterEach, describe, expect, it } from 'vitest';
import { type Governed, type GovernedOptions, policyOf, startGoverned } from '../governed.ts';
import { untilArrived, untilOpen } from './books.ts';
import { askChat, chatBody } from './chat.ts';
import { createRawClients, requestOf } from './raw-client.ts';

const TEN_REQUESTS = '{name: r, unit: Requests, rates: [{limit: 10, window: 1h}]}';

let governed: Governed | undefined;
afterEach(async () => {
  await governed?.close();
  governed = undefined;
});

const connect = createRawClients();

async function start(limit: string, options: Partial<GovernedOptions> = {}): Promise<Governed> {
  governed = await startGoverned({ policies: policyOf([limit]), ...options });
  return governed;
}

async function post(url: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  await response.text();
  return response.status;
}

describe('a paid route whose model cannot be read', () => {
  it.each([
    [
      'tokens of some models',
      '{name: t, match: {models: ["gpt-5*"]}, unit: TotalTokens, rates: [{limit: 1k, window: 1h}]}',
    ],
    [
      'dollars of model calls',
      '{name: t, match: {kinds: [LLM]}, unit: USD, rates: [{limit: "1.00", window: 1h}]}',
    ],
    [
      'a model that is forbidden',
      '{name: t, match: {models: ["gpt-5*"]}, unit: Requests, rates: [{limit: 0, window: 1h}]}',
    ],
  ])('is not the way around a limit on %s', async (_what, limit) => {
    const { openaiBaseUrl, provider } = await start(limit);
    expect(await post(`${openaiBaseUrl}/embeddings`, { model: 'text-embedding-3-small', input: 'x' })).toBe(
      403,
    );
    expect(provider.meter.total().calls).toBe(0);
  });
});

describe('a caller that leaves before the report', () => {
  it.each([
    ['streamed', true, 'stall:1'],
    ['plain', false, 'stall:0'],
  ])('pays for all of its input and for the output to be expected (%s)', async (_how, stream, fault) => {
    const target = await start('{name: t, unit: TotalTokens, rates: [{limit: 100k, window: 744h}]}');
    const gone = new AbortController();
    const asked = fetch(`${target.openaiBaseUrl}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-provider-fault': fault },
      body: JSON.stringify(chatBody({ stream, max_completion_tokens: 500 })),
      signal: gone.signal,
    });
    await untilArrived(target, 1);
    gone.abort();
    await asked.catch(() => undefined);
    await untilOpen(target, 0);
    const [row] = target.sidecar.usage();
    expect(row?.inputTokens).toBeGreaterThan(100);
    expect(row?.outputTokens).toBeGreaterThanOrEqual(stream ? 0 : 500);
  });

  it('frees every slot, also of requests that waited behind another on its connection', async () => {
    const target = await start('{name: c, unit: Concurrency, max: 10, onLimit: {action: Deny}}');
    const body = JSON.stringify(chatBody({ stream: true }));
    const request = requestOf('POST /openai/v1/chat/completions', body, ['x-provider-fault: stall']);
    const client = connect(target.sidecar.port);
    await client.send(Buffer.concat(Array.from({ length: 10 }, () => request)));
    await untilArrived(target, 10);
    expect((await askChat(target, chatBody({}))).status).toBe(429);
    client.destroy();
    await untilOpen(target, 0);
    expect((await askChat(target, chatBody({}))).status).toBe(200);
  });
});

describe('a tool', () => {
  it('has one bucket whatever its spelling', async () => {
    const { url, provider } = await start(
      '{name: t, match: {tools: [Send_Email]}, per: [tool], unit: Requests, rates: [{limit: 1, window: 744h}], onLimit: {action: Deny}}',
      { upstreams: { mail: '/tools' } },
    );
    const statuses = [];
    for (const name of ['send_email', 'SEND_EMAIL', 'Send_email;x=1', 'send_email%20'])
      statuses.push(await post(`${url}/upstream/mail/${name}`));
    expect(statuses).toEqual([200, 429, 429, 429]);
    expect(provider.meter.total().calls).toBe(1);
  });
});

describe('a page of another site', () => {
  it('cannot call from a browser, where it can send but not read', async () => {
    const { openaiBaseUrl, provider } = await start(TEN_REQUESTS);
    const statuses = [];
    for (const origin of ['https://evil.example', 'null', 'http://localhost:3000'])
      statuses.push(await post(`${openaiBaseUrl}/chat/completions`, chatBody({}), { origin }));
    expect(statuses).toEqual([400, 400, 200]);
    expect(provider.meter.total().calls).toBe(1);
  });
});

describe('dots with parameters', () => {
  it('are dots to some servers, and refused like dots', async () => {
    const { url, provider } = await start(TEN_REQUESTS, {
      upstreams: { mail: '/tools' },
    });
    expect(await post(`${url}/upstream/mail/search/..;/drop_db`)).toBe(400);
    expect(await post(`${url}/upstream/mail/.;x/drop_db`)).toBe(400);
    expect(provider.meter.total().calls).toBe(0);
  });
});

describe('a body of very many values', () => {
  it.each([
    ['empty lists', '[],'],
    ['escaped keys', '{"\\u0072ole":""},'],
    ['keys beyond ASCII', '{"\u00e9":"b"},'],
  ])('is refused before it is read to its end: %s', async (_what, item) => {
    const { openaiBaseUrl, provider } = await start(TEN_REQUESTS);
    const body = `{"model":"gpt-5-mini","messages":[${item.repeat(400_000)}0]}`;
    const response = await fetch(`${openaiBaseUrl}/chat/completions`, { method: 'POST', body });
    expect([response.status, (await response.text()).includes('250000 values')]).toEqual([400, true]);
    expect(provider.meter.total().calls).toBe(0);
  });
});
