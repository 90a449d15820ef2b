// Content codings (RFC 9110, section 8.4.1): bodies are decoded into bounded copies, only to be read.

import { promisify } from 'node:util';
import {
  brotliDecompress,
  brotliDecompressSync,
  constants,
  gunzip,
  gunzipSync,
  inflate,
  inflateRaw,
  inflateRawSync,
  inflateSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';

/** The codings that we read. `unknown` stands for all others, and for several at once. */
export type Coding = 'identity' | 'gzip' | 'deflate' | 'br' | 'zstd' | 'unknown';

export type DecodedBody =
  | { readonly kind: 'decoded'; readonly body: Buffer }
  /** Larger than allowed, or suspiciously dense. */
  | { readonly kind: 'too-large' }
  /** One sentence that says what to change. */
  | { readonly kind: 'invalid'; readonly problem: string };

/** Text shrinks 3 to 20 times. What grows over 100 times was made to hurt, except where it stays small anyway. */
const MAX_RATIO = 100;
const ALWAYS_ALLOWED_BYTES = 65_536;

/** The coding that a Content-Encoding header names; '' and `identity` are the same. */
export function toCoding(header: string): Coding {
  const name = header.trim().toLowerCase();
  switch (name) {
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
    case 'br':
    case 'zstd':
      return name;
    default:
      return 'unknown';
  }
}

/**
 * Decodes a request body for parsing; the body to forward is the original. Runs off the event loop. Never rejects. The
 * result has at most `maxBytes`, and at most 100 times the bytes that were sent (64 KiB are always allowed).
 */
export async function decodeRequestBody(
  body: Buffer,
  encoding: string,
  maxBytes: number,
): Promise<DecodedBody> {
  const coding = toCoding(encoding);
  if (coding === 'identity') return { kind: 'decoded', body };
  if (coding === 'unknown') {
    return {
      kind: 'invalid',
      problem: 'content-encoding must be one of gzip, deflate, br and zstd, used once',
    };
  }
  try {
    return { kind: 'decoded', body: await decode(coding, body, maxOutputBytes(body, maxBytes)) };
  } catch (error) {
    if (isTooLarge(error)) return { kind: 'too-large' };
    return { kind: 'invalid', problem: `the body must be valid ${coding}, as its content-encoding says` };
  }
}

/**
 * Decodes as much of an answer as arrived, at once: for small copies only. Undefined when it is not what its coding says,
 * or larger than `maxBytes`, or over 100 times denser than plain.
 */
export function decodeAnswer(coding: Coding, body: Buffer, maxBytes: number): Buffer | undefined {
  const maxOutputLength = maxOutputBytes(body, maxBytes);
  try {
    switch (coding) {
      case 'gzip':
        return gunzipSync(body, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH });
      case 'deflate':
        return isZlib(body)
          ? inflateSync(body, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH })
          : inflateRawSync(body, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH });
      case 'br':
        return brotliDecompressSync(body, { maxOutputLength, finishFlush: constants.BROTLI_OPERATION_FLUSH });
      case 'zstd':
        return zstdDecompressSync(body, { maxOutputLength, finishFlush: constants.ZSTD_e_flush });
      case 'identity':
        return body;
      case 'unknown':
        return undefined;
    }
  } catch {
    return undefined;
  }
}

type ReadableCoding = Exclude<Coding, 'identity' | 'unknown'>;

const DECODERS = {
  gzip: promisify(gunzip),
  zlib: promisify(inflate),
  raw: promisify(inflateRaw),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

function decode(coding: ReadableCoding, body: Buffer, maxOutputLength: number): Promise<Buffer> {
  if (coding === 'deflate') return DECODERS[isZlib(body) ? 'zlib' : 'raw'](body, { maxOutputLength });
  return DECODERS[coding](body, { maxOutputLength });
}

function maxOutputBytes(body: Buffer, maxBytes: number): number {
  return Math.min(maxBytes, Math.max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * body.length));
}

/** `deflate` means the zlib format, but bare deflate data is sent under this name too. RFC 1950, section 2.2. */
function isZlib(body: Buffer): boolean {
  const [method = 0, flags = 0] = body;
  return (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
