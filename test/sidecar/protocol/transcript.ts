// Answers as providers send them, cut into chunks in every way a network may cut them.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
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

/** The bytes in pieces that end at the given offsets. */
export function cutAt(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const ends = [...offsets, bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

export function bytewise(bytes: Buffer): Buffer[] {
  return cutAt(
    bytes,
    Array.from({ length: bytes.length - 1 }, (_, index) => index + 1),
  );
}

/** Any way to cut `bytes`, empty chunks included. */
export function cutsOf(bytes: Buffer): fc.Arbitrary<Buffer[]> {
  return fc.array(fc.nat(bytes.length), { maxLength: 8 }).map((offsets) =>
    cutAt(
      bytes,
      offsets.toSorted((a, b) => a - b),
    ),
  );
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
