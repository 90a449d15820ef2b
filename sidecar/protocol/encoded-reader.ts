// Reads an encoded answer from a bounded copy; the caller gets the very bytes that came.

import type { Usage } from '../../core/usage.ts';
import { ChunkSpan } from './chunk-span.ts';
import { type Coding, decodeAnswer, toCoding } from './content-encoding.ts';
import type { AnswerHead, UsageReader } from './protocol.ts';

/** So much of the encoded answer is kept. Answers of models are far smaller; a larger one is estimated. */
const MAX_ENCODED_BYTES = 524_288;
/** Decoded at the end in one step: 2 MiB take about 5 ms. */
const MAX_DECODED_BYTES = 2_097_152;

const EMPTY = Buffer.alloc(0);

/**
 * A reader over the reader of the decoded answer. Usage is known after `end`; until then, and for what cannot be decoded,
 * `outputBytes` is the number of encoded bytes: text shrinks about as much as the format around it adds.
 *
 * Nothing can be taken out of an encoded stream. Where usage was spliced into the request, the proxy must therefore send
 * `accept-encoding: identity`; if the answer is encoded all the same, the caller sees the extra event.
 */
export class EncodedReader implements UsageReader {
  private readonly coding: Coding;
  private readonly inner: UsageReader;
  private readonly copy = new ChunkSpan(MAX_ENCODED_BYTES);
  private encodedBytes = 0;
  private isDecoded = false;

  constructor(coding: Coding, inner: UsageReader) {
    this.coding = coding;
    this.inner = inner;
    this.copy.begin(0);
  }

  get outputBytes(): number {
    return this.isDecoded ? this.inner.outputBytes : this.encodedBytes;
  }

  usage(): Usage | undefined {
    return this.inner.usage();
  }

  push(chunk: Buffer): Buffer {
    this.encodedBytes += chunk.length;
    this.copy.carry(chunk, chunk.length);
    return chunk;
  }

  end(): Buffer {
    const { kept } = this.copy;
    const decoded = kept === undefined ? undefined : decodeAnswer(this.coding, kept, MAX_DECODED_BYTES);
    if (decoded === undefined) return EMPTY;
    this.inner.push(decoded);
    this.inner.end();
    this.isDecoded = true;
    return EMPTY;
  }
}

/** A reader of the answer as it comes, from one of the decoded answer. */
export function readerFor({ contentEncoding }: AnswerHead, decoded: UsageReader): UsageReader {
  const coding = toCoding(contentEncoding);
  return coding === 'identity' ? decoded : new EncodedReader(coding, decoded);
}
