// The words of the Anthropic API: messages, token counts, models, errors.

import type { Generation } from './generation.ts';
import type { Prompt } from './prompt.ts';
import type { Reply, SseEvent, Tokens } from './reply.ts';
import { toAnswerText, toTokenText } from './text.ts';

/** A message, plain or streamed as the prompt asks. */
export function toMessageReply(prompt: Prompt, generation: Generation): Reply {
  return {
    status: 200,
    headers: toRequestId(generation.number),
    charge: generation.charge,
    body: prompt.stream
      ? { kind: 'events', events: messageEvents(generation) }
      : { kind: 'plain', json: toMessage(generation), outputTokens: generation.tokensPerChoice },
  };
}

/** The answer of `/v1/messages/count_tokens`. It costs nothing. */
export function toTokenCountReply(prompt: Prompt, number: number): Reply {
  return toPlainReply(200, { input_tokens: prompt.inputTokens }, number);
}

export function toAnthropicModelList(models: readonly string[], number: number): Reply {
  const data = models.map((id) => ({
    type: 'model',
    id,
    display_name: id,
    created_at: '2026-01-01T00:00:00Z',
  }));
  return toPlainReply(
    200,
    { data, has_more: false, first_id: models[0] ?? null, last_id: models.at(-1) ?? null },
    number,
  );
}

/** The native error of a status. */
export function toAnthropicError(status: number, message: string, number: number): Reply {
  const type = ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
  return toPlainReply(
    status,
    { type: 'error', error: { type, message }, request_id: toRequestId(number)['request-id'] },
    number,
  );
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function toPlainReply(status: number, json: unknown, number: number): Reply {
  return {
    status,
    headers: toRequestId(number),
    charge: undefined,
    body: { kind: 'plain', json, outputTokens: 0 },
  };
}

function toRequestId(number: number): { readonly 'request-id': string } {
  return { 'request-id': `req_mock_${number}` };
}

function toMessage(generation: Generation): Readonly<Record<string, unknown>> {
  return {
    ...toEnvelope(generation),
    content: [{ type: 'text', text: toAnswerText(generation.tokensPerChoice), citations: null }],
    stop_reason: toStopReason(generation),
    ...toUsageField(generation.reported),
  };
}

/**
 * The stream of one message. As in the real API the usage of `message_start` already counts the input and a first
 * output token, and that of `message_delta` is cumulative over the whole message: a reader that adds them is wrong.
 */
function* messageEvents(generation: Generation): Generator<SseEvent> {
  const { reported, tokensPerChoice } = generation;
  const first = reported === undefined ? undefined : { ...reported, output: Math.min(1, reported.output) };
  const message = { ...toEnvelope(generation), content: [], stop_reason: null, ...toUsageField(first) };
  yield toEvent({ type: 'message_start', message });
  yield toEvent({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  yield toEvent({ type: 'ping' });
  for (let token = 0; token < tokensPerChoice; token += 1) {
    const delta = { type: 'text_delta', text: toTokenText(token) };
    yield { ...toEvent({ type: 'content_block_delta', index: 0, delta }), outputTokens: 1 };
  }
  yield toEvent({ type: 'content_block_stop', index: 0 });
  const delta = { stop_reason: toStopReason(generation), stop_sequence: null };
  yield toEvent({ type: 'message_delta', delta, ...toUsageField(reported) });
  yield toEvent({ type: 'message_stop' });
}

function toEvent(data: { readonly type: string; readonly [field: string]: unknown }): SseEvent {
  return { name: data.type, data, outputTokens: 0 };
}

function toEnvelope(generation: Generation): Readonly<Record<string, unknown>> {
  return {
    id: `msg_mock_${generation.number}`,
    type: 'message',
    role: 'assistant',
    model: generation.model,
    stop_sequence: null,
  };
}

function toStopReason(generation: Generation): string {
  return generation.capped ? 'max_tokens' : 'end_turn';
}

/** Anthropic's `input_tokens` exclude the cached ones. */
function toUsageField(tokens: Tokens | undefined): Readonly<Record<string, unknown>> {
  if (tokens === undefined) return {};
  return {
    usage: {
      input_tokens: tokens.input,
      cache_creation_input_tokens: tokens.cacheWrite,
      cache_read_input_tokens: tokens.cacheRead,
      output_tokens: tokens.output,
      service_tier: 'standard',
    },
  };
}
