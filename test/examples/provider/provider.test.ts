// The provider as a whole: determinism, behaviour by request, lifecycle.

import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { createProvider, type ReceivedRequest } from '../../../examples/provider/provider.ts';
import { MESSAGES, OPENAI_MODEL, useProvider } from './fixture.ts';
import { exchangeRaw } from './raw-exchange.ts';

const fixture = useProvider();

test('the same calls give the same bytes', async () => {
  const other = await createProvider();
  const body = { model: OPENAI_MODEL, messages: MESSAGES, stream: true };
  const answers = await Promise.all(
    [fixture.provider, other].map(
      ({ url }) => exchangeRaw(url, { path: '/v1/chat/completions', body }).ended,
    ),
  );
  await other.close();
  const [first, second] = answers.map(({ text }) => text.replace(/^date: .*$/im, ''));
  expect(first).toContain('data: [DONE]');
  expect(second).toBe(first);
});

test('a function of the request sees the very bytes that were sent', async () => {
  const seen: ReceivedRequest[] = [];
  const watched = await createProvider({
    behaviour: (request) => {
      seen.push(request);
      return {};
    },
  });
  const body = { any: ['order', 1e3, 'ü'] };
  await exchangeRaw(watched.url, { path: '/tools/t?q=1', headers: { 'x-own': 'a' }, body }).ended;
  await watched.close();
  expect(seen).toMatchObject([
    { method: 'POST', url: '/tools/t?q=1', headers: { 'x-own': 'a' }, arrival: { path: '/tools/t' } },
  ]);
  expect(seen[0]?.body).toEqual(Buffer.from(JSON.stringify(body)));
});

test('a function of the request chooses the behaviour, and a request header wins', async () => {
  const scripted = await createProvider({
    behaviour: ({ arrival, body }) => ({
      status: arrival.number === 1 ? 503 : 200,
      outputTokens: JSON.parse(body.toString()).messages.length,
    }),
  });
  const client = new OpenAI({ baseURL: scripted.openaiBaseUrl, apiKey: 'made-up-key', maxRetries: 0 });
  const request = { model: OPENAI_MODEL, messages: [...MESSAGES, ...MESSAGES] };
  await expect(client.chat.completions.create(request)).rejects.toMatchObject({ status: 503 });
  const second = await client.chat.completions.create(request);
  const third = await client.chat.completions.create(request, {
    headers: { 'x-provider-output-tokens': '9' },
  });
  await scripted.close();
  expect([second.usage?.completion_tokens, third.usage?.completion_tokens]).toEqual([2, 9]);
});

test('closing does not wait for stalled, unfinished or idle connections', async () => {
  const stalled = exchangeRaw(fixture.provider.url, {
    path: '/tools/t',
    headers: { 'x-provider-fault': 'stall:0' },
  });
  const unfinished = exchangeRaw(fixture.provider.url, {
    path: '/tools/u',
    headers: { 'content-length': '999' },
  });
  const idle = exchangeRaw(fixture.provider.url, { path: '/tools/v', headers: { connection: 'keep-alive' } });
  await Promise.all([stalled.until('200 OK'), idle.until('"ok":true')]);
  await fixture.provider.close();
  await Promise.all([stalled.ended, unfinished.ended, idle.ended]);
  await fixture.provider.meter.idle();
  expect(fixture.provider.meter.report().openCalls).toBe(0);
  await fixture.provider.close();
});

test('a taken port is an error', async () => {
  await expect(createProvider({ port: Number(new URL(fixture.provider.url).port) })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});
