// Chat completions and embeddings as the openai SDK sees them: the tokens are those of the rule, the bill is the same.

import type OpenAI from 'openai';
import { expect, test } from 'vitest';
import {
  collect,
  INPUT_TOKENS,
  MESSAGES,
  OPENAI_MODEL,
  OUTPUT_TOKENS,
  readBill,
  useProvider,
} from './fixture.ts';

const fixture = useProvider();
const ANSWER_OF_5 = 'flow gate speed steam valve';

test('a plain answer reports the tokens of the rule, and the meter bills the same', async () => {
  const answer = await fixture.openai.chat.completions.create({ model: OPENAI_MODEL, messages: MESSAGES });
  expect(answer.usage).toMatchObject({
    prompt_tokens: INPUT_TOKENS,
    completion_tokens: OUTPUT_TOKENS,
    total_tokens: INPUT_TOKENS + OUTPUT_TOKENS,
  });
  expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant' } });
  expect(answer.choices[0]?.message.content?.split(' ')).toHaveLength(OUTPUT_TOKENS);
  expect(answer._request_id).toBe('req_mock_1');
  expect(await readBill(fixture.provider)).toEqual([INPUT_TOKENS, OUTPUT_TOKENS]);
});

test('with include_usage every chunk says null but one extra chunk without choices, which is the last', async () => {
  const chunks = await collect(
    await fixture.openai.chat.completions.create({
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
  expect(await readBill(fixture.provider)).toEqual([INPUT_TOKENS, OUTPUT_TOKENS]);
});

test('without include_usage a stream says nothing about usage, and its text is that of the plain answer', async () => {
  const plain = await fixture.openai.chat.completions.create({ model: OPENAI_MODEL, messages: MESSAGES });
  const chunks = await collect(
    await fixture.openai.chat.completions.create({ model: OPENAI_MODEL, messages: MESSAGES, stream: true }),
  );
  expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  expect(text).toBe(plain.choices[0]?.message.content);
  expect(await readBill(fixture.provider)).toEqual([2 * INPUT_TOKENS, 2 * OUTPUT_TOKENS]);
});

test.each([true, false])('n choices are generated and billed n times (stream: %s)', async (stream) => {
  const request = { model: OPENAI_MODEL, messages: MESSAGES, n: 3, max_completion_tokens: 5 };
  if (stream) {
    const chunks = await collect(await fixture.openai.chat.completions.create({ ...request, stream }));
    const texts = [0, 1, 2].map((index) =>
      chunks.map(({ choices: [choice] }) => (choice?.index === index ? choice.delta.content : '')).join(''),
    );
    expect(texts).toEqual([ANSWER_OF_5, ANSWER_OF_5, ANSWER_OF_5]);
  } else {
    const answer = await fixture.openai.chat.completions.create({ ...request, stream });
    expect(answer.choices.map((choice) => choice.message.content)).toEqual(Array(3).fill(ANSWER_OF_5));
    expect(answer.usage?.completion_tokens).toBe(15);
  }
  expect(await readBill(fixture.provider)).toEqual([INPUT_TOKENS, 15]);
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
  const answer = await fixture.openai.chat.completions.create({
    model: OPENAI_MODEL,
    messages: MESSAGES,
    ...caps,
  });
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
    'tool calls as JSON',
    {
      messages: [
        {
          role: 'assistant',
          content: 'ab',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
      ],
    },
    3 + 4 + Math.ceil('ab[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]'.length / 4),
  ],
  [
    'tools as JSON',
    { messages: MESSAGES, tools: [{ type: 'function', function: { name: 'f' } }] },
    INPUT_TOKENS + Math.ceil('[{"type":"function","function":{"name":"f"}}]'.length / 4),
  ],
])('input counts %s', async (_name, request, tokens) => {
  const answer = await fixture.openai.chat.completions.create({
    model: OPENAI_MODEL,
    messages: MESSAGES,
    ...request,
  });
  expect(answer.usage?.prompt_tokens).toBe(tokens);
});

test('cached tokens are part of prompt_tokens', async () => {
  const headers = { 'x-provider-cache-read-tokens': '6', 'x-provider-cache-write-tokens': '99' };
  const answer = await fixture.openai.chat.completions.create(
    { model: OPENAI_MODEL, messages: MESSAGES },
    { headers },
  );
  expect(answer.usage).toMatchObject({
    prompt_tokens: INPUT_TOKENS,
    prompt_tokens_details: { cached_tokens: 6, cache_write_tokens: 4 },
  });
  expect(fixture.provider.meter.total()).toMatchObject({
    inputTokens: 0,
    cacheReadTokens: 6,
    cacheWriteTokens: 4,
  });
});
