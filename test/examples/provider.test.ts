// The mock speaks to the real SDKs, says what its rule says, and bills what it generated.

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMeter, MAX_ARRIVALS } from '../../examples/provider/meter.ts';
import { createProvider, type Provider } from '../../examples/provider/provider.ts';
import { exchangeRaw } from './raw-exchange.ts';

const KEY = 'made-up-key';
const OPENAI_MODEL = 'gpt-5-mini';
const ANTHROPIC_MODEL = 'claude-haiku-4-5';
const MESSAGES = [{ role: 'user' as const, content: 'hello there' }];
/** 3 for the request, 4 for the message, ceil(11 / 4) for its text. */
const INPUT_TOKENS = 10;
const OUTPUT_TOKENS = 24;
const ANSWER_OF_5 = 'flow gate speed steam valve';

let provider: Provider;
let openai: OpenAI;
let anthropic: Anthropic;

beforeEach(async () => {
  provider = await createProvider();
  openai = new OpenAI({ baseURL: provider.openaiBaseUrl, apiKey: KEY, maxRetries: 0 });
  anthropic = new Anthropic({
    baseURL: provider.anthropicBaseUrl,
    apiKey: KEY,
    authToken: null,
    maxRetries: 0,
  });
});

afterEach(() => provider.close());

async function billed(): Promise<readonly [input: number, output: number]> {
  await provider.meter.idle();
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = provider.meter.total();
  return [inputTokens + cacheReadTokens + cacheWriteTokens, outputTokens];
}

async function collect<T>(stream: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe('chat completions', () => {
  test('a plain answer reports the tokens of the rule, and the meter bills the same', async () => {
    const answer = await openai.chat.completions.create({ model: OPENAI_MODEL, messages: MESSAGES });
    expect(answer.usage).toMatchObject({
      prompt_tokens: INPUT_TOKENS,
      completion_tokens: OUTPUT_TOKENS,
      total_tokens: INPUT_TOKENS + OUTPUT_TOKENS,
    });
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant' } });
    expect(answer.choices[0]?.message.content?.split(' ')).toHaveLength(OUTPUT_TOKENS);
    expect(answer._request_id).toBe('req_mock_1');
    expect(await billed()).toEqual([INPUT_TOKENS, OUTPUT_TOKENS]);
  });

  test('with include_usage every chunk says null but one extra chunk without choices, which is the last', async () => {
    const chunks = await collect(
      await openai.chat.completions.create({
        model: OPENAI_MODEL,
        messages: MESSAGES,
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    const last = chunks.at(-1);
    expect(last?.choices).toEqual([]);
    expect(last?.usage).toMatchObject({ prompt_tokens: INPUT_TOKENS, completion_tokens: OUTPUT_TOKENS });
    const others = chunks.slice(0, -1);
    // One for the role, one for the finish reason.
    expect(others).toHaveLength(OUTPUT_TOKENS + 2);
    expect(others.every((chunk) => chunk.usage === null && chunk.choices.length === 1)).toBe(true);
    expect(others.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    expect(await billed()).toEqual([INPUT_TOKENS, OUTPUT_TOKENS]);
  });

  test('without include_usage a stream says nothing about usage, and its text is that of the plain answer', async () => {
    const plain = await openai.chat.completions.create({ model: OPENAI_MODEL, messages: MESSAGES });
    const chunks = await collect(
      await openai.chat.completions.create({ model: OPENAI_MODEL, messages: MESSAGES, stream: true }),
    );
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    expect(text).toBe(plain.choices[0]?.message.content);
    expect(await billed()).toEqual([2 * INPUT_TOKENS, 2 * OUTPUT_TOKENS]);
  });

  test.each([true, false])('n choices are generated and billed n times (stream: %s)', async (stream) => {
    const request = { model: OPENAI_MODEL, messages: MESSAGES, n: 3, max_completion_tokens: 5 };
    if (stream) {
      const chunks = await collect(await openai.chat.completions.create({ ...request, stream }));
      const texts = [0, 1, 2].map((index) =>
        chunks.map(({ choices: [choice] }) => (choice?.index === index ? choice.delta.content : '')).join(''),
      );
      expect(texts).toEqual([ANSWER_OF_5, ANSWER_OF_5, ANSWER_OF_5]);
    } else {
      const answer = await openai.chat.completions.create({ ...request, stream });
      expect(answer.choices.map((choice) => choice.message.content)).toEqual(Array(3).fill(ANSWER_OF_5));
      expect(answer.usage?.completion_tokens).toBe(15);
    }
    expect(await billed()).toEqual([INPUT_TOKENS, 15]);
  });

  test.each([
    { name: 'the old cap', caps: { max_tokens: 5 }, output: 5, finish: 'length' },
    { name: 'the new cap', caps: { max_completion_tokens: 5 }, output: 5, finish: 'length' },
    {
      name: 'the new cap of two',
      caps: { max_tokens: 1, max_completion_tokens: 9 },
      output: 9,
      finish: 'length',
    },
    {
      name: 'a cap of just the length',
      caps: { max_tokens: OUTPUT_TOKENS },
      output: OUTPUT_TOKENS,
      finish: 'stop',
    },
  ])('$name ends the answer', async ({ caps, output, finish }) => {
    const answer = await openai.chat.completions.create({ model: OPENAI_MODEL, messages: MESSAGES, ...caps });
    expect(answer.usage?.completion_tokens).toBe(output);
    expect(answer.choices[0]?.finish_reason).toBe(finish);
  });

  test.each<[name: string, request: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>, tokens: number]>([
    ['each started 4 bytes', { messages: [{ role: 'user', content: '12345' }] }, 3 + 4 + 2],
    ['no text', { messages: [{ role: 'user', content: '' }] }, 3 + 4],
    ['UTF-8 bytes, not characters', { messages: [{ role: 'user', content: '速度計' }] }, 3 + 4 + 3],
    [
      'each message by itself',
      { messages: ['a', 'b', 'c'].map((content) => ({ role: 'user', content })) },
      3 + 3 * (4 + 1),
    ],
    [
      'the texts of parts together',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'ab' },
              { type: 'text', text: 'cd' },
            ],
          },
        ],
      },
      3 + 4 + 1,
    ],
    [
      'tools as JSON',
      { messages: MESSAGES, tools: [{ type: 'function', function: { name: 'f' } }] },
      INPUT_TOKENS + Math.ceil('[{"type":"function","function":{"name":"f"}}]'.length / 4),
    ],
  ])('input counts %s', async (_name, request, tokens) => {
    const answer = await openai.chat.completions.create({
      model: OPENAI_MODEL,
      messages: MESSAGES,
      ...request,
    });
    expect(answer.usage?.prompt_tokens).toBe(tokens);
  });

  test('cached tokens are part of prompt_tokens', async () => {
    const headers = { 'x-provider-cache-read-tokens': '6', 'x-provider-cache-write-tokens': '99' };
    const answer = await openai.chat.completions.create(
      { model: OPENAI_MODEL, messages: MESSAGES },
      { headers },
    );
    expect(answer.usage).toMatchObject({
      prompt_tokens: INPUT_TOKENS,
      prompt_tokens_details: { cached_tokens: 6, cache_write_tokens: 4 },
    });
    expect(provider.meter.total()).toMatchObject({ inputTokens: 0, cacheReadTokens: 6, cacheWriteTokens: 4 });
  });
});

describe('messages', () => {
  const request = { model: ANTHROPIC_MODEL, max_tokens: 100, messages: MESSAGES };

  test('a plain answer reports the tokens of the rule, and the meter bills the same', async () => {
    const message = await anthropic.messages.create({ ...request, system: '12345' });
    // The system prompt is one more message of 4 + 2.
    expect(message.usage).toMatchObject({ input_tokens: INPUT_TOKENS + 6, output_tokens: OUTPUT_TOKENS });
    expect(message.stop_reason).toBe('end_turn');
    expect(message._request_id).toBe('req_mock_1');
    expect(await billed()).toEqual([INPUT_TOKENS + 6, OUTPUT_TOKENS]);
  });

  test('a stream has the events of the real API in order, with cumulative usage at its end', async () => {
    const capped = { ...request, max_tokens: 2, stream: true as const };
    const headers = { 'x-provider-cache-read-tokens': '6' };
    const events = await collect(await anthropic.messages.create(capped, { headers }));
    expect(events.map((event) => event.type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events[0]).toMatchObject({
      message: { usage: { input_tokens: 4, cache_read_input_tokens: 6, output_tokens: 1 } },
    });
    expect(events[5]).toMatchObject({
      delta: { stop_reason: 'max_tokens' },
      usage: { input_tokens: 4, cache_read_input_tokens: 6, output_tokens: 2 },
    });
    expect(await billed()).toEqual([INPUT_TOKENS, 2]);
  });

  test('a stream carries a ping, which the SDK hides', async () => {
    const { text } = await exchangeRaw(provider.url, {
      path: '/v1/messages',
      body: { ...request, stream: true },
    }).ended;
    expect(text).toContain('event: ping\ndata: {"type":"ping"}\n\n');
  });

  test("the SDK's own accumulation of a stream gives the plain answer", async () => {
    const plain = await anthropic.messages.create(request);
    const streamed = await anthropic.messages.stream(request).finalMessage();
    expect(streamed.content).toMatchObject([{ type: 'text', text: toText(plain) }]);
    expect(streamed.usage).toMatchObject({ input_tokens: INPUT_TOKENS, output_tokens: OUTPUT_TOKENS });
  });

  test('counting tokens follows the rule and costs nothing', async () => {
    const count = await anthropic.messages.countTokens({ model: ANTHROPIC_MODEL, messages: MESSAGES });
    expect(count.input_tokens).toBe(INPUT_TOKENS);
    expect(provider.meter.total({ path: '/v1/messages/count_tokens' })).toMatchObject({
      calls: 1,
      costMicros: 0,
    });
    expect(await billed()).toEqual([0, 0]);
  });

  function toText(message: Anthropic.Message): string {
    return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  }
});

describe('other routes', () => {
  test('embeddings reach the SDK as numbers and bill their input', async () => {
    const { data, usage } = await openai.embeddings.create({
      model: 'text-embedding-3-small',
      input: ['1234', '12345'],
    });
    expect(data.map((one) => one.embedding.length)).toEqual([8, 8]);
    expect(data[0]?.embedding[0]).toBe(1 / 8);
    expect(usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    expect(await billed()).toEqual([3, 0]);
  });

  test('both SDKs can list models', async () => {
    const ids = (await collect(openai.models.list())).map((model) => model.id);
    expect(ids).toContain(OPENAI_MODEL);
    expect((await collect(anthropic.models.list())).map((model) => model.id)).toEqual(ids);
  });

  test('a tool answers its name, whatever lies below it', async () => {
    const answer = await fetch(`${provider.url}/tools/search/deep?q=1`, { method: 'PUT', body: 'any' });
    expect(await answer.json()).toEqual({ tool: 'search', ok: true });
    expect(provider.meter.total({ path: '/tools/search' }).calls).toBe(1);
  });

  test('an unknown path is 404 and counted as other', async () => {
    expect((await fetch(`${provider.url}/v1/nothing`)).status).toBe(404);
    expect(provider.meter.total({ path: 'other' }).answersByStatus).toEqual({ 404: 1 });
  });
});

describe('errors', () => {
  test.each([
    { status: 400, openaiError: OpenAI.BadRequestError, anthropicError: Anthropic.BadRequestError },
    { status: 401, openaiError: OpenAI.AuthenticationError, anthropicError: Anthropic.AuthenticationError },
    {
      status: 403,
      openaiError: OpenAI.PermissionDeniedError,
      anthropicError: Anthropic.PermissionDeniedError,
    },
    { status: 429, openaiError: OpenAI.RateLimitError, anthropicError: Anthropic.RateLimitError },
    { status: 500, openaiError: OpenAI.InternalServerError, anthropicError: Anthropic.InternalServerError },
    { status: 529, openaiError: OpenAI.InternalServerError, anthropicError: Anthropic.InternalServerError },
  ])('$status is the native error of both SDKs and is not billed', async (row) => {
    const headers = {
      'x-provider-status': String(row.status),
      'x-provider-headers': '{"retry-after":"7","x-should-retry":"false"}',
    };
    const chat = openai.chat.completions.create({ model: OPENAI_MODEL, messages: MESSAGES }, { headers });
    const chatError: unknown = await chat.catch((cause: unknown) => cause);
    expect(chatError).toBeInstanceOf(row.openaiError);
    expect(chatError instanceof OpenAI.APIError && chatError.headers?.get('retry-after')).toBe('7');

    const request = { model: ANTHROPIC_MODEL, max_tokens: 1, messages: MESSAGES };
    const messageError: unknown = await anthropic.messages
      .create(request, { headers })
      .catch((cause: unknown) => cause);
    expect(messageError).toBeInstanceOf(row.anthropicError);
    expect(messageError instanceof Anthropic.APIError && messageError.headers?.get('retry-after')).toBe('7');

    expect(provider.meter.total().answersByStatus).toEqual({ [row.status]: 2 });
    expect(await billed()).toEqual([0, 0]);
  });

  test.each([
    { path: '/v1/chat/completions', body: { messages: MESSAGES }, problem: 'model' },
    { path: '/v1/chat/completions', body: { model: 'm', messages: [] }, problem: 'messages' },
    {
      path: '/v1/chat/completions',
      body: { model: 'm', messages: MESSAGES, max_tokens: 0 },
      problem: 'max_tokens',
    },
    { path: '/v1/embeddings', body: { model: 'm' }, problem: 'input' },
    { path: '/v1/messages', body: { model: 'm', messages: MESSAGES }, problem: 'max_tokens' },
    { path: '/v1/messages', body: [], problem: 'body' },
  ])('$path without a valid $problem is 400 and says so', async ({ path, body, problem }) => {
    const answer = await fetch(`${provider.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringMatching(`^${problem}:`) } });
  });

  test('broken JSON is 400', async () => {
    const answer = await fetch(`${provider.url}/v1/messages`, { method: 'POST', body: '{"model":' });
    expect(answer.status).toBe(400);
  });

  test.each([
    ['x-provider-think-ms', '-1'],
    ['x-provider-usage', 'maybe'],
    ['x-provider-status', '99'],
    ['x-provider-headers', '{"a":1}'],
    ['x-provider-fault', 'abort:x'],
    ['x-provider-fault', 'abort:-1'],
    ['x-provider-constructor', '1'],
  ])('%s: %s is 400 and names the header', async (name, value) => {
    const answer = await fetch(`${provider.url}/tools/t`, { headers: { [name]: value } });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringMatching(`^${name}: `) } });
  });
});

describe('the meter', () => {
  const headers = { 'content-type': 'application/json' };
  const chat = JSON.stringify({ model: OPENAI_MODEL, messages: MESSAGES, max_tokens: 5 });

  test('what an answer says about usage does not change the bill', async () => {
    for (const usage of ['none', 'zero']) {
      const asked = { headers: { 'x-provider-usage': usage } };
      const request = { model: OPENAI_MODEL, messages: MESSAGES };
      const plain = await openai.chat.completions.create(request, asked);
      const stream = { ...request, stream: true as const, stream_options: { include_usage: true } };
      const chunks = await collect(await openai.chat.completions.create(stream, asked));
      const message = await anthropic.messages.create(
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
    expect(await billed()).toEqual([6 * INPUT_TOKENS, 6 * OUTPUT_TOKENS]);
  });

  test('a stream that its caller leaves is billed up to there and counted as cut', async () => {
    const options = { headers: { 'x-provider-event-delay-ms': '1', 'x-provider-output-tokens': '100000' } };
    const request = { model: OPENAI_MODEL, messages: MESSAGES, stream: true as const };
    const stream = await openai.chat.completions.create(request, options);
    let received = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) received += 1;
      if (received === 3) break;
    }
    const [input, output] = await billed();
    expect(input).toBe(INPUT_TOKENS);
    expect(output).toBeGreaterThanOrEqual(3);
    expect(output).toBeLessThan(100_000);
    expect(provider.meter.total()).toMatchObject({ calls: 1, completed: 0, cut: 1 });
    expect(provider.meter.report().openCalls).toBe(0);
  });

  test.each([
    { path: '/v1/chat/completions', model: OPENAI_MODEL, silentEvents: 1 },
    { path: '/v1/messages', model: ANTHROPIC_MODEL, silentEvents: 3 },
  ])('a stream of $path that is aborted after k events is billed exactly those', async (row) => {
    const body = { model: row.model, messages: MESSAGES, max_tokens: 50, stream: true };
    for (const events of [row.silentEvents, row.silentEvents + 7]) {
      const headers = { 'x-provider-fault': `abort:${events}`, authorization: `Bearer ${events}` };
      await exchangeRaw(provider.url, { path: row.path, headers, body }).ended;
      await provider.meter.idle();
      expect(provider.meter.total({ account: String(events) })).toMatchObject({
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
    await anthropic.messages.create(request, options);
    // 5 at 1, 2 at 0.1, 3 at 1.25, 5 at 5 micro-dollars: 33.95.
    expect(provider.meter.total().costMicros).toBe(34);
    await anthropic.messages.create(request, options);
    expect(provider.meter.total().costMicros).toBe(68);
  });

  test('the longest matching name has the price, and a model without one costs nothing', async () => {
    for (const [model, costMicros] of [
      ['gpt-5-2026', 63],
      ['gpt-5-mini-2026', 13],
      ['unknown', 0],
    ] as const) {
      await openai.chat.completions.create({ model, messages: MESSAGES, max_tokens: 5 });
      // 10 in and 5 out: 62.5 and 12.5 micro-dollars.
      expect(provider.meter.total().costMicros).toBe(costMicros);
      provider.meter.reset();
    }
  });

  test('accounts are the keys of either header, and paths and accounts both add up to the total', async () => {
    const send = (path: string, extra: Record<string, string>): Promise<Response> =>
      fetch(`${provider.url}${path}`, { method: 'POST', headers: { ...headers, ...extra }, body: chat });
    await send('/v1/chat/completions', { authorization: 'Bearer a' });
    await send('/v1/messages', { 'x-api-key': 'b' });
    await send('/v1/messages', { 'x-api-key': 'a', 'x-provider-status': '529' });
    await send('/tools/search', {});
    await provider.meter.idle();
    const { accounts, paths, total, openCalls } = provider.meter.report();
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
    expect(provider.meter.total({ account: 'a', path: '/v1/messages' }).calls).toBe(1);
  });

  test('another process reads the same report over HTTP and can reset it, unmetered', async () => {
    await fetch(`${provider.openaiBaseUrl}/chat/completions`, { method: 'POST', headers, body: chat });
    await provider.meter.idle();
    const report = provider.meter.report();
    expect(report.total).toMatchObject({ calls: 1, outputTokens: 5 });
    expect(await (await fetch(`${provider.url}/meter`)).json()).toEqual(JSON.parse(JSON.stringify(report)));
    await fetch(`${provider.url}/meter/reset`, { method: 'POST' });
    expect(provider.meter.report()).toMatchObject({ total: { calls: 0, outputTokens: 0 }, arrivals: [] });
    expect((await fetch(`${provider.url}/meter/reset`)).status).toBe(405);
  });

  test('open calls and their peak are seen while they last', async () => {
    const stalled = [1, 2, 3].map(() =>
      exchangeRaw(provider.url, { path: '/tools/t', headers: { 'x-provider-fault': 'stall:0' } }),
    );
    await Promise.all(stalled.map((one) => one.until('200 OK')));
    expect(provider.meter.report()).toMatchObject({ openCalls: 3, peakOpenCalls: 3 });
    for (const one of stalled) one.destroy();
    await provider.meter.idle();
    expect(provider.meter.report()).toMatchObject({ openCalls: 0, peakOpenCalls: 3, total: { cut: 3 } });
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
});

describe('the provider', () => {
  test('the same calls give the same bytes', async () => {
    const other = await createProvider();
    const body = { model: OPENAI_MODEL, messages: MESSAGES, stream: true };
    const answers = await Promise.all(
      [provider, other].map(({ url }) => exchangeRaw(url, { path: '/v1/chat/completions', body }).ended),
    );
    await other.close();
    const [first, second] = answers.map(({ text }) => text.replace(/^date: .*$/im, ''));
    expect(first).toContain('data: [DONE]');
    expect(second).toBe(first);
  });

  test('a function of the request chooses the behaviour, and a request header wins', async () => {
    const scripted = await createProvider({
      behaviour: ({ arrival, body }) => ({
        status: arrival.number === 1 ? 503 : 200,
        outputTokens: JSON.parse(body.toString()).messages.length,
      }),
    });
    const client = new OpenAI({ baseURL: scripted.openaiBaseUrl, apiKey: KEY, maxRetries: 0 });
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
    const stalled = exchangeRaw(provider.url, {
      path: '/tools/t',
      headers: { 'x-provider-fault': 'stall:0' },
    });
    const unfinished = exchangeRaw(provider.url, { path: '/tools/u', headers: { 'content-length': '999' } });
    const idle = exchangeRaw(provider.url, { path: '/tools/v', headers: { connection: 'keep-alive' } });
    await Promise.all([stalled.until('200 OK'), idle.until('"ok":true')]);
    await provider.close();
    await Promise.all([stalled.ended, unfinished.ended, idle.ended]);
    await provider.meter.idle();
    expect(provider.meter.report().openCalls).toBe(0);
    await provider.close();
  });

  test('a taken port is an error', async () => {
    await expect(createProvider({ port: Number(new URL(provider.url).port) })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
