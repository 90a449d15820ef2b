// Bodies in a content encoding, decoded for reading and never beyond a bound.

import { promisify } from 'node:util';
import { brotliDecompress, inflate, unzip, zstdDecompress } from 'node:zlib';

export type DecodedBody =
  | { readonly kind: 'decoded'; readonly body: Buffer }
  /** More than `maxBytes` would come out. */
  | { readonly kind: 'too-large' }
  /** One sentence. */
  | { readonly kind: 'invalid'; readonly problem: string };

type Decoder = (body: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: promisify(unzip),
  'x-gzip': promisify(unzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

/** Decodes a whole body in a single encoding, off the event loop. Never rejects. */
export async function decodeRequestBody(
  body: Buffer,
  encoding: string,
  maxBytes: number,
): Promise<DecodedBody> {
  const decode = Object.hasOwn(DECODERS, encoding.toLowerCase())
    ? DECODERS[encoding.toLowerCase()]
    : undefined;
  if (decode === undefined) {
    return {
      kind: 'invalid',
      problem: `The content-encoding must be one of ${Object.keys(DECODERS).join(', ')}, or absent.`,
    };
  }
  try {
    return { kind: 'decoded', body: await decode(body, { maxOutputLength: maxBytes }) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code; // zlib rejects with system-like errors.
    if (code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too-large' };
    return { kind: 'invalid', problem: 'The body is not in the encoding that content-encoding names.' };
  }
}
