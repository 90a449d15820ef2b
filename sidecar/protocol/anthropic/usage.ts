// Usage in the answers of POST /v1/messages, plain and streamed.

import type { Usage } from '../../../core/usage.ts';
import { AnswerBytes } from '../answer-bytes.ts';
import { GeneratedText, openingOf } from '../generated-text.ts';
import type { AnswerHead, RequestFacts, UsageReader } from '../protocol.ts';
import { countOf, UsageScan } from '../usage-scan.ts';

const GENERATED = [openingOf('text'), openingOf('partial_json'), openingOf('thinking')];
const NOTHING = Buffer.alloc(0);

/**
 * Reads `message_start.message.usage` and each `message_delta.usage`. The counts of a delta are cumulative: the last
 * one stands, and what it leaves out keeps its earlier value.
 */
export function createUsageReader(_facts: RequestFacts, head: AnswerHead): UsageReader {
  return new MessageUsage(head.contentEncoding);
}

class MessageUsage implements UsageReader {
  readonly #bytes: AnswerBytes;
  readonly #generated = new GeneratedText(GENERATED);
  readonly #scan = new UsageScan((usage) => this.#merge(usage));
  #input: number | undefined;
  #cacheRead = 0;
  #cacheWrite = 0;
  #output = 0;

  constructor(contentEncoding: string) {
    this.#bytes = new AnswerBytes(contentEncoding, (bytes) => {
      this.#scan.push(bytes);
      this.#generated.push(bytes);
    });
  }

  get outputBytes(): number {
    return this.#generated.bytes;
  }

  push(chunk: Buffer): Buffer {
    this.#bytes.push(chunk);
    return chunk;
  }

  end(): Buffer {
    this.#bytes.end();
    return NOTHING;
  }

  usage(): Usage | undefined {
    if (this.#input === undefined) return undefined;
    return {
      inputTokens: this.#input,
      cacheReadTokens: this.#cacheRead,
      cacheWriteTokens: this.#cacheWrite,
      outputTokens: this.#output,
    };
  }

  #merge(usage: Readonly<Record<string, unknown>>): void {
    this.#input = countOf(usage.input_tokens) ?? this.#input;
    this.#cacheRead = countOf(usage.cache_read_input_tokens) ?? this.#cacheRead;
    this.#cacheWrite = countOf(usage.cache_creation_input_tokens) ?? this.#cacheWrite;
    this.#output = countOf(usage.output_tokens) ?? this.#output;
  }
}
