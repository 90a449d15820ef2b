import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { anthropic } from '../../../sidecar/protocol/anthropic/protocol.ts';
import { openai } from '../../../sidecar/protocol/openai/protocol.ts';
import type { Protocol, UsageReader } from '../../../sidecar/protocol/protocol.ts';
import { coarseAndFine, cutAt } from './cuts.ts';
import { factsWith, PLAIN, readFixture, readThrough, STREAM } from './transcript.ts';

const CODINGS = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const;

const ANSWERS = [
  ['openai-plain.json', openai, PLAIN],
  ['openai-text.sse', openai, STREAM],
  ['anthropic-plain.json', anthropic, PLAIN],
  ['anthropic-text.sse', anthropic, STREAM],
] as const;

function createReader(protocol: Protocol, head: typeof PLAIN, coding: string): UsageReader {
  // Spliced or not: an encoded stream passes as it is.
  return protocol.createUsageReader(factsWith({ usageSpliced: true }), { ...head, contentEncoding: coding });
}

describe.each(CODINGS)('an answer in %s', (coding, encode) => {
  it.each(ANSWERS)('is read like %s, and passes as it came', (fixture, protocol, head) => {
    const plain = readFixture(fixture);
    const encoded = encode(plain);
    const { usage, outputBytes } = readThrough(protocol.createUsageReader(factsWith(), head), [plain]);
    for (const chunks of coarseAndFine(encoded)) {
      expect(readThrough(createReader(protocol, head, coding), chunks)).toEqual({
        out: encoded.toString('latin1'),
        usage,
        outputBytes,
      });
    }
  });

  it('that is a bomb costs no memory and reports nothing', () => {
    const bomb = encode(Buffer.alloc(64 * 1_048_576));
    const reader = createReader(openai, PLAIN, coding);
    const before = process.memoryUsage().arrayBuffers;
    expect(reader.push(bomb)).toBe(bomb);
    reader.end();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1_048_576);
    expect([reader.usage(), reader.outputBytes]).toEqual([undefined, bomb.length]);
  });

  it('that is broken passes, and stands for as much text as it has bytes', () => {
    const garbage = Buffer.from(`not ${coding} at all`);
    expect(readThrough(createReader(openai, STREAM, coding), [garbage])).toEqual({
      out: garbage.toString(),
      usage: undefined,
      outputBytes: garbage.length,
    });
  });

  it('is not decoded beyond half a mebibyte of what was sent', () => {
    const reader = createReader(openai, PLAIN, coding);
    const chunk = Buffer.alloc(65_536, 1);
    for (let pushed = 0; pushed < 100; pushed += 1) expect(reader.push(chunk)).toBe(chunk);
    expect([reader.end().length, reader.usage(), reader.outputBytes]).toEqual([0, undefined, 6_553_600]);
  });
});

describe('an encoded stream that was cut', () => {
  it.each([
    ['gzip', () => createGzip({ flush: constants.Z_SYNC_FLUSH })],
    ['br', () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH })],
    ['zstd', () => createZstdCompress({ flush: constants.ZSTD_e_flush })],
  ] as const)('in %s reports what was flushed before', async (coding, createEncoder) => {
    const plain = readFixture('anthropic-text.sse');
    const encoder = createEncoder();
    const sent: Buffer[] = [];
    encoder.on('data', (bytes: Buffer) => sent.push(bytes));
    for (const chunk of cutAt(plain, [400, 800]))
      await new Promise((resolve) => encoder.write(chunk, resolve));
    encoder.destroy();
    const { usage } = readThrough(createReader(anthropic, STREAM, coding), sent);
    expect(usage).toMatchObject({ inputTokens: 25, cacheReadTokens: 2_048 });
  });
});

describe('an answer in a coding that nobody reads', () => {
  it.each([
    'compress',
    'gzip, br',
    'dcz',
  ])('(%s) passes, and stands for as much text as it has bytes', (coding) => {
    const bytes = readFixture('openai-plain.json');
    expect(readThrough(createReader(openai, PLAIN, coding), [bytes])).toEqual({
      out: bytes.toString('latin1'),
      usage: undefined,
      outputBytes: bytes.length,
    });
  });
});
