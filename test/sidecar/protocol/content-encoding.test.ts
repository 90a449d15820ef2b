import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeRequestBody } from '../../../sidecar/protocol/content-encoding.ts';

const MIB = 1_048_576;
const BODY = Buffer.from(
  JSON.stringify({ model: 'm', messages: Array.from({ length: 200 }, (_, n) => ({ content: `item ${n}` })) }),
);

const CODINGS: readonly (readonly [header: string, encode: (body: Buffer) => Buffer])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP ', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
];

/** 64 MiB of zeros: what a bomb is made of. */
const ZEROS = Buffer.alloc(64 * MIB);

describe('an encoded request body', () => {
  it.each(CODINGS)('in %s is decoded', async (header, encode) => {
    expect(await decodeRequestBody(encode(BODY), header, MIB)).toEqual({ kind: 'decoded', body: BODY });
  });

  it.each(['', 'identity', ' Identity'])('in no coding (%j) is the very buffer', async (header) => {
    const decoded = await decodeRequestBody(BODY, header, 1);
    expect(decoded.kind === 'decoded' && decoded.body === BODY).toBe(true);
  });

  it.each([
    'compress',
    'gzip, br',
    'gzip, gzip',
    'aes128gcm',
    'constructor',
  ])('in %s is invalid, and the problem names the codings', async (header) => {
    expect(await decodeRequestBody(gzipSync(BODY), header, MIB)).toEqual({
      kind: 'invalid',
      problem: expect.stringContaining('gzip, deflate, br and zstd'),
    });
  });

  it.each(CODINGS)('in %s is invalid when it is cut, empty or something else', async (header, encode) => {
    const encoded = encode(BODY);
    for (const body of [encoded.subarray(0, encoded.length - 3), Buffer.alloc(0), BODY]) {
      expect(await decodeRequestBody(body, header, MIB)).toMatchObject({ kind: 'invalid' });
    }
  });

  it.each(CODINGS)('in %s is too large when it would pass the limit', async (header, encode) => {
    const encoded = encode(BODY);
    expect(await decodeRequestBody(encoded, header, BODY.length - 1)).toEqual({ kind: 'too-large' });
    expect(await decodeRequestBody(encoded, header, BODY.length)).toMatchObject({ kind: 'decoded' });
  });

  it.each(CODINGS)('in %s that is a bomb is stopped at a hundred times its size', async (header, encode) => {
    const bomb = encode(ZEROS);
    expect(bomb.length).toBeLessThan(ZEROS.length / 500);
    const before = process.memoryUsage().arrayBuffers;
    expect(await decodeRequestBody(bomb, header, 32 * MIB)).toEqual({ kind: 'too-large' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MIB);
  });

  it('may grow to 64 KiB from a few bytes', async () => {
    const body = Buffer.alloc(65_536, 0x20);
    expect(await decodeRequestBody(brotliCompressSync(body), 'br', MIB)).toMatchObject({ kind: 'decoded' });
    const longer = Buffer.alloc(65_537, 0x20);
    expect(await decodeRequestBody(brotliCompressSync(longer), 'br', MIB)).toEqual({ kind: 'too-large' });
  });

  it('of several gzip members is their sum', async () => {
    const body = Buffer.concat([gzipSync('{"model":'), gzipSync('"m"}', { level: constants.Z_BEST_SPEED })]);
    expect(await decodeRequestBody(body, 'gzip', MIB)).toEqual({
      kind: 'decoded',
      body: Buffer.from('{"model":"m"}'),
    });
  });
});
