// Answers as providers send them, and what a reader makes of their chunks.

import { readFileSync } from 'node:fs';
import type { Usage } from '../../../core/usage.ts';
import type { AnswerHead, RequestFacts, UsageReader } from '../../../sidecar/protocol/protocol.ts';

export const STREAM: AnswerHead = {
  status: 200,
  contentType: 'text/event-stream; charset=utf-8',
  contentEncoding: '',
};
export const PLAIN: AnswerHead = { status: 200, contentType: 'application/json', contentEncoding: '' };

/** The facts of a request of which only the answer matters. */
export function factsWith(facts: Partial<RequestFacts> = {}): RequestFacts {
  return {
    model: 'm',
    stream: false,
    maxOutputTokens: undefined,
    user: undefined,
    session: undefined,
    features: { proseBytes: 0, codeBytes: 0, nonAsciiBytes: 0, messages: 0, media: 0, tools: 0 },
    body: Buffer.alloc(0),
    usageSpliced: false,
    ...facts,
  };
}

export function readFixture(name: string): Buffer {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
}

export type Reading = {
  readonly out: string;
  readonly usage: Usage | undefined;
  readonly outputBytes: number;
};

/** Sends an answer through a reader. `out` is what the caller gets, in latin1. */
export function readThrough(reader: UsageReader, chunks: readonly Buffer[]): Reading {
  // Chunks come from sockets, whose memory is used again: a reader must not rely on it.
  const out = chunks.map((chunk) => {
    const own = Buffer.from(chunk);
    const passed = reader.push(own).toString('latin1');
    own.fill('"');
    return passed;
  });
  out.push(reader.end().toString('latin1'));
  return { out: out.join(''), usage: reader.usage(), outputBytes: reader.outputBytes };
}
