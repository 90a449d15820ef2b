// Which path is answered with what.

import {
  toAnthropicError,
  toAnthropicModelList,
  toMessageReply,
  toTokenCountReply,
} from './anthropic-wire.ts';
import type { Behaviour } from './behaviour.ts';
import { planGeneration } from './generation.ts';
import { toChatReply, toEmbeddingReply, toOpenAiError, toOpenAiModelList } from './openai-wire.ts';
import { parseEmbeddingPrompt, parsePrompt } from './prompt.ts';
import type { Reply } from './reply.ts';

/** A request whose body has arrived. */
export type Request = {
  /** The number of its arrival. */
  readonly number: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** True when the caller speaks Anthropic's API: it sent `anthropic-version`. Decides paths that both APIs have. */
  readonly anthropic: boolean;
  readonly body: Buffer;
};

type Route = (request: Request, behaviour: Behaviour) => Reply;

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['POST /v1/chat/completions', answerChat],
  ['POST /v1/embeddings', answerEmbeddings],
  ['POST /v1/messages', answerMessage],
  ['POST /v1/messages/count_tokens', answerTokenCount],
]);

const TOOL_PATH = /^\/tools\/([^/]+)/;

/** Answers a request. `models` are those that the model lists name; others are served too. */
export function answer(request: Request, behaviour: Behaviour, models: readonly string[]): Reply {
  const { number, method, path, anthropic } = request;
  if (behaviour.status !== 200) {
    return toError(request, behaviour.status, `The mock was asked to answer ${behaviour.status}.`);
  }
  const route = ROUTES.get(`${method} ${path}`);
  if (route !== undefined) return route(request, behaviour);
  const tool = TOOL_PATH.exec(path)?.[1];
  if (tool !== undefined) return toToolReply(tool);
  if (method === 'GET' && path === '/v1/models') {
    return anthropic ? toAnthropicModelList(models, number) : toOpenAiModelList(models, number);
  }
  return toError(request, 404, `The mock does not know ${method} on this path.`);
}

/** The native error of the API that the request was meant for. */
export function toError(
  request: Pick<Request, 'number' | 'path' | 'anthropic'>,
  status: number,
  message: string,
): Reply {
  const anthropic = request.anthropic || request.path.startsWith('/v1/messages');
  return anthropic
    ? toAnthropicError(status, message, request.number)
    : toOpenAiError(status, message, request.number);
}

/** The name under which the meter counts a path: the route, `/tools/<name>`, or `other`. */
export function toPathName(path: string): string {
  const known = path === '/v1/models' || [...ROUTES.keys()].some((route) => route.endsWith(` ${path}`));
  return known ? path : (TOOL_PATH.exec(path)?.[0] ?? 'other');
}

function answerChat(request: Request, behaviour: Behaviour): Reply {
  const prompt = parsePrompt(request.body);
  return prompt.kind === 'invalid'
    ? toError(request, 400, prompt.problem)
    : toChatReply(prompt.value, planGeneration(prompt.value, behaviour, request.number));
}

function answerEmbeddings(request: Request): Reply {
  const prompt = parseEmbeddingPrompt(request.body);
  return prompt.kind === 'invalid'
    ? toError(request, 400, prompt.problem)
    : toEmbeddingReply(prompt.value, request.number);
}

function answerMessage(request: Request, behaviour: Behaviour): Reply {
  const prompt = parsePrompt(request.body);
  if (prompt.kind === 'invalid') return toError(request, 400, prompt.problem);
  if (prompt.value.maxOutputTokens === undefined) return toError(request, 400, 'max_tokens: Field required');
  const single = { ...prompt.value, choices: 1 };
  return toMessageReply(single, planGeneration(single, behaviour, request.number));
}

function answerTokenCount(request: Request): Reply {
  const prompt = parsePrompt(request.body);
  return prompt.kind === 'invalid'
    ? toError(request, 400, prompt.problem)
    : toTokenCountReply(prompt.value, request.number);
}

function toToolReply(tool: string): Reply {
  return {
    status: 200,
    headers: {},
    charge: undefined,
    body: { kind: 'plain', json: { tool, ok: true }, outputTokens: 0 },
  };
}
