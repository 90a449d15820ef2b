// The meter bills what was generated, whatever the answer says and however it ends.

import { expect, test } from 'vitest';
import { createMeter, MAX_ARRIVALS, type MeterReport } from '../../../examples/provider/meter.ts';
import {
  ANTHROPIC_MODEL,
  collect,
  INPUT_TOKENS,
  MESSAGES,
  OPENAI_MODEL,
  OUTPUT_TOKENS,
  readBill,
  useProvider,
} from './fixture.ts';
import { exchangeRaw } from './raw-exchange.ts';

const fixture = useProvider();
const headers = { 'content-type': 'application/json' };
const chat = JSON.stringify({ model: OPENAI_MODEL, messages: MESSAGES, max_tokens: 5 });

test('what an answer says about usage does not change the bill', async () => {
  for (const usage of ['none', 'zero']) {
    const asked = { headers: { 'x-provider-usage': usage } };
    const request = { model: OPENAI_MODEL, messages: MESSAGES };
    const plain = await fixture.openai.chat.completions.create(request, asked);
    const stream = { ...request, stream: true as const, stream_options: { include_usage: true } };
    const chunks = await collect(await fixture.openai.chat.completions.create(stream, asked));
    const message = await fixture.anthropic.messages.create(
      { model: ANTHROPIC_MODEL, max_tokens: 99, messages: MESSAGES },
      asked,
    );
    if (usage === 'none') {
      expect('usage' in plain || 'usage' in message).toBe(false);
      expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
    } else {
      expect(plain.usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 0 });
      expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 0 });
      expect(message.usage).toMatchObject({ input_tokens: 0, output_tokens: 0 });
    }
  }
  expect(await readBill(fixture.provider)).toEqual([6 * INPUT_TOKENS, 6 * OUTPUT_TOKENS]);
});

test('a stream that its caller leaves is billed up to there and counted as cut', async () => {
  const options = { headers: { 'x-provider-event-delay-ms': '1', 'x-provider-output-tokens': '100000' } };
  const request = { model: OPENAI_MODEL, messages: MESSAGES, stream: true as const };
  const stream = await fixture.openai.chat.completions.create(request, options);
  let received = 0;
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) received += 1;
    if (received === 3) break;
  }
  const [input, output] = await readBill(fixture.provider);
  expect(input).toBe(INPUT_TOKENS);
  expect(output).toBeGreaterThanOrEqual(3);
  expect(output).toBeLessThan(100_000);
  expect(fixture.provider.meter.total()).toMatchObject({ calls: 1, completed: 0, cut: 1 });
  expect(fixture.provider.meter.report().openCalls).toBe(0);

  // Another stream of some 30 ms shows that nothing more is generated for the caller who left.
  const pace = { headers: { 'x-provider-event-delay-ms': '1' } };
  await collect(await fixture.openai.chat.completions.create(request, pace));
  expect(await readBill(fixture.provider)).toEqual([2 * INPUT_TOKENS, output + OUTPUT_TOKENS]);
});

test.each([
  { path: '/v1/chat/completions', model: OPENAI_MODEL, silentEvents: 1 },
  { path: '/v1/messages', model: ANTHROPIC_MODEL, silentEvents: 3 },
])('a stream of $path that is aborted after k events is billed exactly those', async (row) => {
  const body = { model: row.model, messages: MESSAGES, max_tokens: 50, stream: true };
  for (const events of [row.silentEvents, row.silentEvents + 7]) {
    const headers = { 'x-provider-fault': `abort:${events}`, authorization: `Bearer ${events}` };
    await exchangeRaw(fixture.provider.url, { path: row.path, headers, body }).ended;
    await fixture.provider.meter.idle();
    expect(fixture.provider.meter.total({ account: String(events) })).toMatchObject({
      inputTokens: INPUT_TOKENS,
      outputTokens: events - row.silentEvents,
      cut: 1,
    });
  }
});

test('dollars follow the price list, cached tokens by their own price', async () => {
  const request = { model: ANTHROPIC_MODEL, max_tokens: 5, messages: MESSAGES };
  const options = {
    headers: { 'x-provider-cache-read-tokens': '2', 'x-provider-cache-write-tokens': '3' },
  };
  await fixture.anthropic.messages.create(request, options);
  // 5 at 1, 2 at 0.1, 3 at 1.25, 5 at 5 micro-dollars: 33.95.
  expect(fixture.provider.meter.total().costMicros).toBe(34);
  await fixture.anthropic.messages.create(request, options);
  expect(fixture.provider.meter.total().costMicros).toBe(68);
});

test('the longest matching name has the price, and a model without one costs nothing', async () => {
  for (const [model, costMicros] of [
    ['gpt-5-2026', 63],
    ['gpt-5-mini-2026', 13],
    ['unknown', 0],
  ] as const) {
    await fixture.openai.chat.completions.create({ model, messages: MESSAGES, max_tokens: 5 });
    // 10 in and 5 out: 62.5 and 12.5 micro-dollars.
    expect(fixture.provider.meter.total().costMicros).toBe(costMicros);
    fixture.provider.meter.reset();
  }
});

test('accounts are the keys of either header, and paths and accounts both add up to the total', async () => {
  const send = (path: string, extra: Record<string, string>): Promise<Response> =>
    fetch(`${fixture.provider.url}${path}`, {
      method: 'POST',
      headers: { ...headers, ...extra },
      body: chat,
    });
  await send('/v1/chat/completions', { authorization: 'Bearer a' });
  await send('/v1/messages', { 'x-api-key': 'b' });
  await send('/v1/messages', { 'x-api-key': 'a', 'x-provider-status': '529' });
  await send('/tools/search', {});
  await fixture.provider.meter.idle();
  const { accounts, paths, total, openCalls } = fixture.provider.meter.report();
  expect(openCalls).toBe(0);
  expect(Object.entries(accounts).map(([name, totals]) => [name, totals.calls])).toEqual([
    ['a', 2],
    ['b', 1],
    ['anonymous', 1],
  ]);
  expect(accounts.a?.answersByStatus).toEqual({ 200: 1, 529: 1 });
  expect(Object.keys(paths)).toEqual(['/v1/chat/completions', '/v1/messages', '/tools/search']);
  expect(total).toMatchObject({
    calls: 4,
    completed: 4,
    answersByStatus: { 200: 3, 529: 1 },
    outputTokens: 10,
  });
  for (const groups of [accounts, paths]) {
    const sum = Object.values(groups).reduce((tokens, totals) => tokens + totals.inputTokens, 0);
    expect(sum).toBe(total.inputTokens);
  }
  expect(fixture.provider.meter.total({ account: 'a', path: '/v1/messages' }).calls).toBe(1);
});

test('another process reads the same report over HTTP and can reset it, unmetered', async () => {
  await fetch(`${fixture.provider.openaiBaseUrl}/chat/completions`, { method: 'POST', headers, body: chat });
  await fixture.provider.meter.idle();
  const report: MeterReport = fixture.provider.meter.report();
  expect(report.total).toMatchObject({ calls: 1, outputTokens: 5 });
  expect(await (await fetch(`${fixture.provider.url}/meter`)).json()).toEqual(
    JSON.parse(JSON.stringify(report)),
  );
  await fetch(`${fixture.provider.url}/meter/reset`, { method: 'POST' });
  expect(fixture.provider.meter.report()).toMatchObject({
    total: { calls: 0, outputTokens: 0 },
    arrivals: [],
  });
  expect((await fetch(`${fixture.provider.url}/meter/reset`)).status).toBe(405);
});

test('open calls and their peak are seen while they last', async () => {
  const stalled = [1, 2, 3].map(() =>
    exchangeRaw(fixture.provider.url, { path: '/tools/t', headers: { 'x-provider-fault': 'stall:0' } }),
  );
  await Promise.all(stalled.map((one) => one.until('200 OK')));
  expect(fixture.provider.meter.report()).toMatchObject({ openCalls: 3, peakOpenCalls: 3 });
  for (const one of stalled) one.destroy();
  await fixture.provider.meter.idle();
  expect(fixture.provider.meter.report()).toMatchObject({
    openCalls: 0,
    peakOpenCalls: 3,
    total: { cut: 3 },
  });
  fixture.provider.meter.reset();
  expect(fixture.provider.meter.report()).toMatchObject({ openCalls: 0, peakOpenCalls: 0 });
});

test('arrivals carry a monotonic time from the start and are bounded to the newest', () => {
  let nowMs = 500;
  const meter = createMeter([], () => nowMs);
  const calls = 2 * MAX_ARRIVALS + 7;
  for (let call = 0; call < calls; call += 1) {
    nowMs += 2;
    meter.arrive('a', '/v1/messages').end('completed');
  }
  const { arrivals, total } = meter.report();
  expect(total.calls).toBe(calls);
  expect(arrivals).toHaveLength(MAX_ARRIVALS);
  expect(arrivals.at(-1)).toEqual({ number: calls, account: 'a', path: '/v1/messages', atMs: 2 * calls });
  expect(arrivals[0]?.number).toBe(calls - MAX_ARRIVALS + 1);
});
