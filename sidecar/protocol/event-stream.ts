// Which answers are event streams.

import type { AnswerHead, RequestFacts } from './protocol.ts';

/** True for an event stream by its content type; without a telling content type, when a stream was asked for. */
export function isEventStream(facts: RequestFacts, { contentType }: AnswerHead): boolean {
  const type = contentType.toLowerCase();
  return type.startsWith('text/event-stream') || (facts.stream && !type.includes('json'));
}
