// The answers of POST /chat/completions: where their usage is.

import { AnswerReader, type AnswerShape } from '../answer-reader.ts';
import { readerFor } from '../encoded-reader.ts';
import { isEventStream } from '../event-stream.ts';
import { KeyTable } from '../json-keys.ts';
import type { AnswerHead, RequestFacts, UsageReader } from '../protocol.ts';
import { readChatUsage } from './chat-usage.ts';
import { ChatStreamReader } from './stream-reader.ts';

const SHAPE: AnswerShape = { fields: new KeyTable(['usage', 'choices']), readUsage: readChatUsage };

/**
 * A reader for one answer, plain or streamed, as its head says. Where we asked for the usage event ourselves it is taken
 * out of the stream, unless the answer is encoded (see EncodedReader: the proxy must ask for `identity` then).
 */
export function createUsageReader(facts: RequestFacts, head: AnswerHead): UsageReader {
  return readerFor(
    head,
    isEventStream(facts, head) ? new ChatStreamReader(facts.usageSpliced) : new AnswerReader(SHAPE),
  );
}
