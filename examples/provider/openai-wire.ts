// The words of the OpenAI API: chat completions, embeddings, models, errors.

import type { Generation } from './generation.ts';
import type { EmbeddingPrompt, Prompt } from './prompt.ts';
import type { Reply, SseEvent, Tokens } from './reply.ts';
import { toAnswerText, toTokenText } from './text.ts';

/** Every answer is dated alike, so that the same calls give the same bytes. */
const CREATED_S = 1_767_225_600;
const EMBEDDING_LENGTH = 8;

/** A chat completion, plain or streamed as the prompt asks. */
export function toChatReply(prompt: Prompt, generation: Generation): Reply {
  return {
    status: 200,
    headers: toRequestId(generation.number),
    charge: generation.charge,
    body: prompt.stream
      ? { kind: 'events', events: chatEvents(generation, prompt.includeUsage) }
      : {
          kind: 'plain',
          json: toChatCompletion(generation),
          outputTokens: generation.choices * generation.tokensPerChoice,
        },
  };
}

/** Vectors that depend on the token counts alone. */
export function toEmbeddingReply(prompt: EmbeddingPrompt, number: number): Reply {
  const inputTokens = prompt.tokensByInput.reduce((sum, tokens) => sum + tokens, 0);
  return {
    status: 200,
    headers: toRequestId(number),
    charge: { model: prompt.model, tokens: { input: inputTokens, cacheRead: 0, cacheWrite: 0, output: 0 } },
    body: {
      kind: 'plain',
      outputTokens: 0,
      json: {
        object: 'list',
        data: prompt.tokensByInput.map((tokens, index) => ({
          object: 'embedding',
          index,
          embedding: toVector(tokens, prompt.base64),
        })),
        model: prompt.model,
        usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
      },
    },
  };
}

export function toOpenAiModelList(models: readonly string[], number: number): Reply {
  const data = models.map((id) => ({ id, object: 'model', created: CREATED_S, owned_by: 'mock' }));
  return {
    status: 200,
    headers: toRequestId(number),
    charge: undefined,
    body: { kind: 'plain', json: { object: 'list', data }, outputTokens: 0 },
  };
}

/** The native error of a status. */
export function toOpenAiError(status: number, message: string, number: number): Reply {
  const { type, code } = ERRORS[status] ?? {
    type: status >= 500 ? 'server_error' : 'invalid_request_error',
    code: null,
  };
  return {
    status,
    headers: toRequestId(number),
    charge: undefined,
    body: { kind: 'plain', json: { error: { message, type, param: null, code } }, outputTokens: 0 },
  };
}

const ERRORS: Readonly<Record<number, { readonly type: string; readonly code: string }>> = {
  401: { type: 'invalid_request_error', code: 'invalid_api_key' },
  404: { type: 'invalid_request_error', code: 'unknown_url' },
  429: { type: 'requests', code: 'rate_limit_exceeded' },
};

function toRequestId(number: number): Readonly<Record<string, string>> {
  return { 'x-request-id': `req_mock_${number}`, 'openai-version': '2020-10-01' };
}

function toChatCompletion(generation: Generation): Readonly<Record<string, unknown>> {
  const content = toAnswerText(generation.tokensPerChoice);
  return {
    id: toChatId(generation),
    object: 'chat.completion',
    created: CREATED_S,
    model: generation.model,
    choices: Array.from({ length: generation.choices }, (_, index) => ({
      index,
      message: { role: 'assistant', content, refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: toFinishReason(generation),
    })),
    ...(generation.reported === undefined ? {} : { usage: toUsage(generation.reported) }),
    service_tier: 'default',
    system_fingerprint: 'fp_mock',
  };
}

/**
 * Role, content and finish chunks of all choices, then, when asked for, one chunk without choices that carries the
 * usage (every other chunk then says `usage: null`), then `[DONE]`.
 */
function* chatEvents(generation: Generation, includeUsage: boolean): Generator<SseEvent> {
  const common = {
    id: toChatId(generation),
    object: 'chat.completion.chunk',
    created: CREATED_S,
    model: generation.model,
    service_tier: 'default',
    system_fingerprint: 'fp_mock',
  };
  const reported = includeUsage ? generation.reported : undefined;
  const usage = reported === undefined ? {} : { usage: null };
  const toChunk = (index: number, delta: object, finishReason: string | null): SseEvent['data'] => ({
    ...common,
    choices: [{ index, delta, logprobs: null, finish_reason: finishReason }],
    ...usage,
  });
  const choices = Array.from({ length: generation.choices }, (_, index) => index);
  for (const index of choices) {
    const delta = { role: 'assistant', content: '', refusal: null };
    yield { name: undefined, data: toChunk(index, delta, null), outputTokens: 0 };
  }
  for (let token = 0; token < generation.tokensPerChoice; token += 1) {
    for (const index of choices) {
      const delta = { content: toTokenText(token) };
      yield { name: undefined, data: toChunk(index, delta, null), outputTokens: 1 };
    }
  }
  for (const index of choices) {
    yield { name: undefined, data: toChunk(index, {}, toFinishReason(generation)), outputTokens: 0 };
  }
  if (reported !== undefined) {
    yield { name: undefined, data: { ...common, choices: [], usage: toUsage(reported) }, outputTokens: 0 };
  }
  yield { name: undefined, data: '[DONE]', outputTokens: 0 };
}

function toChatId(generation: Generation): string {
  return `chatcmpl-mock-${generation.number}`;
}

function toFinishReason(generation: Generation): string {
  return generation.capped ? 'length' : 'stop';
}

/** OpenAI's `prompt_tokens` include the cached ones. */
function toUsage(tokens: Tokens): Readonly<Record<string, unknown>> {
  const promptTokens = tokens.input + tokens.cacheRead + tokens.cacheWrite;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: tokens.output,
    total_tokens: promptTokens + tokens.output,
    prompt_tokens_details: {
      cached_tokens: tokens.cacheRead,
      cache_write_tokens: tokens.cacheWrite,
      audio_tokens: 0,
    },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function toVector(tokens: number, base64: boolean): readonly number[] | string {
  const vector = Float32Array.from({ length: EMBEDDING_LENGTH }, (_, index) => ((tokens + index) % 8) / 8);
  return base64 ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector);
}
