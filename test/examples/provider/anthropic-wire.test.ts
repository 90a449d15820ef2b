// Messages as the Anthropic SDK sees them: the tokens are those of the rule, the bill is the same.

import type Anthropic from '@anthropic-ai/sdk';
import { expect, test } from 'vitest';
import {
  ANTHROPIC_MODEL,
  collect,
  INPUT_TOKENS,
  MESSAGES,
  OUTPUT_TOKENS,
  readBill,
  useProvider,
} from './fixture.ts';
import { exchangeRaw } from './raw-exchange.ts';

const fixture = useProvider();
const request = { model: ANTHROPIC_MODEL, max_tokens: 100, messages: MESSAGES };

test('a plain answer reports the tokens of the rule, and the meter bills the same', async () => {
  const message = await fixture.anthropic.messages.create({ ...request, system: '12345' });
  // The system prompt is one more message of 4 + 2.
  expect(message.usage).toMatchObject({ input_tokens: INPUT_TOKENS + 6, output_tokens: OUTPUT_TOKENS });
  expect(message.stop_reason).toBe('end_turn');
  expect(message._request_id).toBe('req_mock_1');
  expect(await readBill(fixture.provider)).toEqual([INPUT_TOKENS + 6, OUTPUT_TOKENS]);
});

test('a stream has the events of the real API in order, with cumulative usage at its end', async () => {
  const capped = { ...request, max_tokens: 2, stream: true as const };
  const headers = { 'x-provider-cache-read-tokens': '6' };
  const events = await collect(await fixture.anthropic.messages.create(capped, { headers }));
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
  expect(await readBill(fixture.provider)).toEqual([INPUT_TOKENS, 2]);
});

test('a stream carries a ping, which the SDK hides', async () => {
  const { text } = await exchangeRaw(fixture.provider.url, {
    path: '/v1/messages',
    body: { ...request, stream: true },
  }).ended;
  expect(text).toContain('event: ping\ndata: {"type":"ping"}\n\n');
});

test("the SDK's own accumulation of a stream gives the plain answer", async () => {
  const plain = await fixture.anthropic.messages.create(request);
  const streamed = await fixture.anthropic.messages.stream(request).finalMessage();
  expect(streamed.content).toMatchObject([{ type: 'text', text: toText(plain) }]);
  expect(streamed.usage).toMatchObject({ input_tokens: INPUT_TOKENS, output_tokens: OUTPUT_TOKENS });
});

test('counting tokens follows the rule and costs nothing', async () => {
  const count = await fixture.anthropic.messages.countTokens({ model: ANTHROPIC_MODEL, messages: MESSAGES });
  expect(count.input_tokens).toBe(INPUT_TOKENS);
  expect(fixture.provider.meter.total({ path: '/v1/messages/count_tokens' })).toMatchObject({
    calls: 1,
    costMicros: 0,
  });
  expect(await readBill(fixture.provider)).toEqual([0, 0]);
});

function toText(message: Anthropic.Message): string {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}
