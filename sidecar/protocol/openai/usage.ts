// Usage in the answers of POST /chat/completions, plain and streamed.

import type { Usage } from '../../../core/usage.ts';
import { AnswerBytes } from '../answer-bytes.ts';
import { GeneratedText, openingOf } from '../generated-text.ts';
import type { AnswerHead, RequestFacts, UsageReader } from '../protocol.ts';
import { countOf, UsageScan } from '../usage-scan.ts';
import { UsageEventFilter } from './usage-event.ts';

const GENERATED = [openingOf('content'), openingOf('arguments')];
const NOTHING = Buffer.alloc(0);

/** Reads `usage`; the last report wins. Where we asked for the report, its event is kept from the caller. */
export function createUsageReader(facts: RequestFacts, head: AnswerHead): UsageReader {
  return new ChatUsage(
    facts.usageSpliced && isReadable(head) ? new UsageEventFilter() : undefined,
    head.contentEncoding,
  );
}

class ChatUsage implements UsageReader {
  readonly #filter: UsageEventFilter | undefined;
  readonly #bytes: AnswerBytes;
  readonly #generated = new GeneratedText(GENERATED);
  readonly #scan = new UsageScan((usage) => {
    this.#usage = toUsage(usage) ?? this.#usage;
  });
  #usage: Usage | undefined;

  constructor(filter: UsageEventFilter | undefined, contentEncoding: string) {
    this.#filter = filter;
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
    return this.#filter === undefined ? chunk : this.#filter.push(chunk);
  }

  end(): Buffer {
    this.#bytes.end();
    return this.#filter === undefined ? NOTHING : this.#filter.end();
  }

  usage(): Usage | undefined {
    return this.#usage;
  }
}

function isReadable(head: AnswerHead): boolean {
  return (
    (head.contentEncoding === '' || head.contentEncoding === 'identity') &&
    head.contentType.startsWith('text/event-stream')
  );
}

/** `prompt_tokens` includes what was read from the cache. */
function toUsage(usage: Readonly<Record<string, unknown>>): Usage | undefined {
  const prompt = countOf(usage.prompt_tokens);
  const completion = countOf(usage.completion_tokens);
  if (prompt === undefined || completion === undefined) return undefined;
  const details = usage.prompt_tokens_details;
  const cached =
    typeof details === 'object' && details !== null && 'cached_tokens' in details
      ? countOf(details.cached_tokens)
      : 0;
  const cacheReadTokens = Math.min(cached ?? 0, prompt);
  return {
    inputTokens: prompt - cacheReadTokens,
    cacheReadTokens,
    cacheWriteTokens: 0,
    outputTokens: completion,
  };
}
