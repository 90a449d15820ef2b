// The port every wire protocol implements. Each protocol is a folder with the same file names:
// route.ts (which path is what), request.ts (body -> facts), usage.ts (answer -> usage), answer.ts (refusal -> native answer).

import type { InputFeatures } from '../../core/estimate/features.ts';
import type { Refusal } from '../../core/refusal.ts';
import type { Usage } from '../../core/usage.ts';

/**
 * What a request path means.
 * - metered: a model call whose cost we read (kind LLM).
 * - free: counted as a request, costs no tokens and no dollars (model lists, count_tokens, reads).
 * - unparsed: any other route. `paid` says that it may cost tokens or dollars that we cannot read, so under a
 *   token or USD limit it is refused with its reason.
 */
export type Route =
  | { readonly kind: 'metered' }
  | { readonly kind: 'free' }
  | { readonly kind: 'unparsed'; readonly paid: boolean };

/** What the body of a metered request says about its cost and its caller. No text of the prompt is kept. */
export type RequestFacts = {
  /** At most 256 characters, printable; '' when absent. */
  readonly model: string;
  readonly stream: boolean;
  /** Explicit cap on output tokens, times the number of choices; undefined when the caller set none. */
  readonly maxOutputTokens: number | undefined;
  /** The protocol's own field for the end user; undefined when absent. */
  readonly user: string | undefined;
  /** The protocol's own field for the session; undefined when absent. */
  readonly session: string | undefined;
  readonly features: InputFeatures;
  /** The body to send: the very bytes received, except for a spliced `stream_options.include_usage`. */
  readonly body: Buffer;
  /** True when include_usage was spliced in, so that the extra usage event must be kept from the caller. */
  readonly usageSpliced: boolean;
};

export type ParsedRequest =
  | { readonly kind: 'parsed'; readonly facts: RequestFacts }
  /** One sentence that names the field and the fix, without any text of the caller's. */
  | { readonly kind: 'invalid'; readonly problem: string };

/**
 * Reads usage beside the answer as it passes. Bounded: at most 64 KiB a line is kept; what is longer is skipped.
 * Never throws on any input.
 */
export interface UsageReader {
  /**
   * Looks at the next bytes and returns those that go to the caller: the same buffer, except where the usage event
   * that we asked for is taken out. May return an empty buffer.
   */
  push(chunk: Buffer): Buffer;
  /** The end of the body: what is still held back for the caller (empty when nothing is). */
  end(): Buffer;
  /** The usage seen so far; undefined when the provider has not reported any. The last report wins. */
  usage(): Usage | undefined;
  /** Bytes of generated text seen so far, for the estimate when no usage comes. */
  readonly outputBytes: number;
}

/** The head of an answer, as far as usage needs it. Header names in lower case. */
export type AnswerHead = {
  readonly status: number;
  readonly contentType: string;
  readonly contentEncoding: string;
};

/** A complete answer made by us. */
export type Answer = {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
};

/** What an answer needs to know beside the refusal. */
export type AnswerContext = {
  readonly decisionId: string;
  /** For the rate headers of a dialect: the wall clock, display only. */
  readonly wallClockMs: number;
  /** X-Stainless-Retry-Count + 1, or 1. */
  readonly attempt: number;
};

export interface Protocol {
  readonly name: 'openai' | 'anthropic' | 'http';
  /** `path` is the path at the provider, without query, for example `/v1/chat/completions`. */
  route(method: string, path: string): Route;
  /** Only called for metered routes. Never throws. */
  parseRequest(body: Buffer): ParsedRequest;
  createUsageReader(facts: RequestFacts, head: AnswerHead): UsageReader;
  toAnswer(refusal: Refusal, context: AnswerContext): Answer;
}
