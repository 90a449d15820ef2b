// What the mock reads from a request body. Both providers send `messages`, `tools` and a cap, so one reader serves both.

import { countTokens } from './text.ts';

/** A request to generate text. */
export type Prompt = {
  readonly model: string;
  readonly stream: boolean;
  /** OpenAI's `stream_options.include_usage`. */
  readonly includeUsage: boolean;
  /**
   * The cap on output tokens per choice; undefined when none was sent. Where both OpenAI names are present the newer
   * one, `max_completion_tokens`, decides.
   */
  readonly maxOutputTokens: number | undefined;
  /** OpenAI's `n`. */
  readonly choices: number;
  /**
   * 3 for the request, and for each message 4 and the tokens of its content; Anthropic's `system` is one more message.
   * Content is its text; parts other than text, `tool_calls` and the list of `tools` count as their JSON.
   */
  readonly inputTokens: number;
};

/** A request for embeddings. */
export type EmbeddingPrompt = {
  readonly model: string;
  /** Tokens of each input, in order. A list of token numbers has as many tokens as numbers. */
  readonly tokensByInput: readonly number[];
  readonly base64: boolean;
};

/** `problem` is one sentence that names the field. */
export type Parsed<T> =
  | { readonly kind: 'parsed'; readonly value: T }
  | { readonly kind: 'invalid'; readonly problem: string };

const TOKENS_PER_REQUEST = 3;
const TOKENS_PER_MESSAGE = 4;

/** Reads a chat completion (OpenAI) or a message (Anthropic). */
export function parsePrompt(body: Buffer): Parsed<Prompt> {
  const parsed = parseObject(body);
  if (parsed.kind === 'invalid') return parsed;
  const { model, messages, system, tools, stream, n, stream_options: streamOptions } = parsed.value;
  if (typeof model !== 'string' || model === '') return invalid('model: a non-empty string is required');
  if (!Array.isArray(messages) || messages.length === 0) {
    return invalid('messages: a non-empty array is required');
  }
  const cap = parsed.value.max_completion_tokens ?? parsed.value.max_tokens ?? undefined;
  if (cap !== undefined && !isPositiveInteger(cap)) {
    return invalid('max_tokens: a whole number of at least 1 is required');
  }
  return {
    kind: 'parsed',
    value: {
      model,
      stream: stream === true,
      includeUsage: isRecord(streamOptions) && streamOptions.include_usage === true,
      maxOutputTokens: cap,
      choices: isPositiveInteger(n) ? n : 1,
      inputTokens: countInput(system === undefined ? messages : [{ content: system }, ...messages], tools),
    },
  };
}

/** Reads OpenAI's request for embeddings. */
export function parseEmbeddingPrompt(body: Buffer): Parsed<EmbeddingPrompt> {
  const parsed = parseObject(body);
  if (parsed.kind === 'invalid') return parsed;
  const { model, input, encoding_format: encodingFormat } = parsed.value;
  if (typeof model !== 'string' || model === '') return invalid('model: a non-empty string is required');
  const tokensByInput = toInputs(input).map((one) =>
    typeof one === 'string' ? countTokens(one) : one.length,
  );
  if (tokensByInput.length === 0) return invalid('input: a string or a non-empty array is required');
  return { kind: 'parsed', value: { model, tokensByInput, base64: encodingFormat === 'base64' } };
}

function toInputs(input: unknown): readonly (string | readonly unknown[])[] {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) return [];
  const list: readonly unknown[] = input;
  if (list.length > 0 && list.every((one) => typeof one === 'number')) return [list];
  return list.filter((one) => typeof one === 'string' || Array.isArray(one));
}

function countInput(messages: readonly unknown[], tools: unknown): number {
  const toolTokens = tools === undefined ? 0 : countTokens(JSON.stringify(tools));
  return messages.reduce<number>(
    (sum, message) => sum + countMessage(message),
    TOKENS_PER_REQUEST + toolTokens,
  );
}

function countMessage(message: unknown): number {
  if (!isRecord(message)) return TOKENS_PER_MESSAGE;
  const toolCalls = message.tool_calls === undefined ? '' : JSON.stringify(message.tool_calls);
  return TOKENS_PER_MESSAGE + countTokens(toText(message.content) + toolCalls);
}

function toText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const parts: readonly unknown[] = content;
  return parts
    .map((part) => (isRecord(part) && typeof part.text === 'string' ? part.text : JSON.stringify(part)))
    .join('');
}

function parseObject(body: Buffer): Parsed<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isRecord(value) ? { kind: 'parsed', value } : invalid('body: a JSON object is required');
  } catch {
    return invalid('body: it is not valid JSON');
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function invalid(problem: string): { readonly kind: 'invalid'; readonly problem: string } {
  return { kind: 'invalid', problem };
}
