// The bytes of an answer as the usage reader sees them: as they are, or a bounded decoded copy.

import { brotliDecompressSync, constants, inflateSync, unzipSync, zstdDecompressSync } from 'node:zlib';

/** Encoded bytes kept for decoding. Longer answers report no usage to us, and are charged as estimated. */
const MAX_ENCODED_BYTES = 256 * 1_024;

/** Most that is decoded from them, so that a bomb costs a few milliseconds and no memory. */
const MAX_DECODED_BYTES = 2 * 1_024 * 1_024;

/** Decodes with a bound; `finishFlush` accepts a stream that was cut. */
type Decoder = (bytes: Buffer) => Buffer;

const bounded = { maxOutputLength: MAX_DECODED_BYTES };
const cutZlib = { ...bounded, finishFlush: constants.Z_SYNC_FLUSH };

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: (bytes) => unzipSync(bytes, cutZlib),
  'x-gzip': (bytes) => unzipSync(bytes, cutZlib),
  deflate: (bytes) => inflateSync(bytes, cutZlib),
  br: (bytes) => brotliDecompressSync(bytes, { ...bounded, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: (bytes) => zstdDecompressSync(bytes, { ...bounded, finishFlush: constants.ZSTD_e_flush }),
};

/** Hands the bytes of an answer to `read`: at once where they are readable, decoded at the end otherwise. */
export class AnswerBytes {
  readonly #read: (bytes: Buffer) => void;
  readonly #decode: Decoder | undefined;
  readonly #isPlain: boolean;
  #encoded: Buffer[] = [];
  #encodedBytes = 0;

  constructor(contentEncoding: string, read: (bytes: Buffer) => void) {
    const encoding = contentEncoding.toLowerCase();
    this.#read = read;
    this.#isPlain = encoding === '' || encoding === 'identity';
    this.#decode = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  }

  push(chunk: Buffer): void {
    if (this.#isPlain) {
      this.#read(chunk);
      return;
    }
    this.#encodedBytes += chunk.length;
    if (this.#encodedBytes <= MAX_ENCODED_BYTES) this.#encoded.push(Buffer.from(chunk));
    else this.#encoded = [];
  }

  /** The answer has ended, or was cut: what came is decoded as far as it goes. */
  end(): void {
    if (this.#decode === undefined || this.#encoded.length === 0) return;
    const encoded = Buffer.concat(this.#encoded);
    this.#encoded = [];
    try {
      this.#read(this.#decode(encoded));
    } catch {
      // Broken or too large: it reports no usage, and is charged as estimated.
    }
  }
}
