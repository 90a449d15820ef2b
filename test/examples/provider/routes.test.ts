// The other routes, and every way to be refused.

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { ANTHROPIC_MODEL, collect, MESSAGES, OPENAI_MODEL, readBill, useProvider } from './fixture.ts';

const fixture = useProvider();

describe('other routes', () => {
  test('embeddings reach the SDK as numbers and bill their input', async () => {
    const { data, usage } = await fixture.openai.embeddings.create({
      model: 'text-embedding-3-small',
      input: ['1234', '12345'],
    });
    expect(data.map((one) => one.embedding.length)).toEqual([8, 8]);
    expect(data[0]?.embedding[0]).toBe(1 / 8);
    expect(usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    expect(await readBill(fixture.provider)).toEqual([3, 0]);
  });

  test.each([
    { format: 'float', embedding: [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0] },
    { format: 'base64', embedding: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/) },
  ])('embeddings are sent as $format where that is asked for', async ({ format, embedding }) => {
    const answer = await fetch(`${fixture.provider.openaiBaseUrl}/embeddings`, {
      method: 'POST',
      body: JSON.stringify({ model: 'm', input: '1234', encoding_format: format }),
    });
    expect(await answer.json()).toMatchObject({ data: [{ embedding }] });
  });

  test('both SDKs can list models', async () => {
    const ids = (await collect(fixture.openai.models.list())).map((model) => model.id);
    expect(ids).toContain(OPENAI_MODEL);
    expect((await collect(fixture.anthropic.models.list())).map((model) => model.id)).toEqual(ids);
  });

  test('a tool answers its name, whatever lies below it', async () => {
    const answer = await fetch(`${fixture.provider.url}/tools/search/deep?q=1`, {
      method: 'PUT',
      body: 'any',
    });
    expect(await answer.json()).toEqual({ tool: 'search', ok: true });
    expect(fixture.provider.meter.total({ path: '/tools/search' }).calls).toBe(1);
  });

  test('an unknown path is 404 and counted as other', async () => {
    expect((await fetch(`${fixture.provider.url}/v1/nothing`)).status).toBe(404);
    expect(fixture.provider.meter.total({ path: 'other' }).answersByStatus).toEqual({ 404: 1 });
  });
});

describe('errors', () => {
  test.each([
    { status: 400, error: 'BadRequestError', types: ['invalid_request_error', 'invalid_request_error'] },
    { status: 401, error: 'AuthenticationError', types: ['invalid_request_error', 'authentication_error'] },
    { status: 403, error: 'PermissionDeniedError', types: ['invalid_request_error', 'permission_error'] },
    { status: 429, error: 'RateLimitError', types: ['requests', 'rate_limit_error'] },
    { status: 500, error: 'InternalServerError', types: ['server_error', 'api_error'] },
    { status: 529, error: 'InternalServerError', types: ['server_error', 'overloaded_error'] },
  ] as const)('$status is the native error of both SDKs and is not billed', async (row) => {
    const headers = {
      'x-provider-status': String(row.status),
      'x-provider-headers': '{"retry-after":"7","x-should-retry":"false"}',
    };
    const chat = fixture.openai.chat.completions.create(
      { model: OPENAI_MODEL, messages: MESSAGES },
      { headers },
    );
    const chatError: unknown = await chat.catch((cause: unknown) => cause);
    expect(chatError).toBeInstanceOf(OpenAI[row.error]);
    expect(chatError).toMatchObject({ type: row.types[0] });
    expect(chatError instanceof OpenAI.APIError && chatError.headers?.get('retry-after')).toBe('7');

    const request = { model: ANTHROPIC_MODEL, max_tokens: 1, messages: MESSAGES };
    const messageError: unknown = await fixture.anthropic.messages
      .create(request, { headers })
      .catch((cause: unknown) => cause);
    expect(messageError).toBeInstanceOf(Anthropic[row.error]);
    expect(messageError).toMatchObject({ type: row.types[1] });
    expect(messageError instanceof Anthropic.APIError && messageError.headers?.get('retry-after')).toBe('7');

    expect(fixture.provider.meter.total().answersByStatus).toEqual({ [row.status]: 2 });
    expect(await readBill(fixture.provider)).toEqual([0, 0]);
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
    const answer = await fetch(`${fixture.provider.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringMatching(`^${problem}:`) } });
  });

  test('broken JSON is 400', async () => {
    const answer = await fetch(`${fixture.provider.url}/v1/messages`, { method: 'POST', body: '{"model":' });
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
    const answer = await fetch(`${fixture.provider.url}/tools/t`, { headers: { [name]: value } });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringMatching(`^${name}: `) } });
  });
});
