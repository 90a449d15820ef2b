// The answers of POST /v1/messages: where their usage is.

import { AnswerReader, type AnswerShape } from '../answer-reader.ts';
import { readerFor } from '../encoded-reader.ts';
import { isEventStream } from '../event-stream.ts';
import { KeyTable } from '../json-keys.ts';
import type { AnswerHead, RequestFacts, UsageReader } from '../protocol.ts';
import { mergeUsage } from './message-usage.ts';
import { MessageStreamReader } from './stream-reader.ts';

const SHAPE: AnswerShape = {
  fields: new KeyTable(['usage', 'content']),
  readUsage: (scan) => mergeUsage(undefined, scan),
};

/** A reader for one answer, plain or streamed, as its head says. */
export function createUsageReader(facts: RequestFacts, head: AnswerHead): UsageReader {
  return readerFor(head, isEventStream(facts, head) ? new MessageStreamReader() : new AnswerReader(SHAPE));
}
