import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropic } from '../../../sidecar/protocol/anthropic/protocol.ts';
import { openai } from '../../../sidecar/protocol/openai/protocol.ts';
import type { UsageReader } from '../../../sidecar/protocol/protocol.ts';
import { bytewise, coarseAndFine, cutAt, cutsOf, everyCut, inPieces } from './cuts.ts';
import { jsonText } from './json-text.ts';
import { factsWith, PLAIN, readFixture, readThrough } from './transcript.ts';

const openaiReader = (): UsageReader => openai.createUsageReader(factsWith(), PLAIN);
const anthropicReader = (): UsageReader => anthropic.createUsageReader(factsWith(), PLAIN);

/** The bytes of all strings that are values, escapes as written. */
function stringBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(JSON.stringify(value)) - 2;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, each) => sum + stringBytes(each), 0);
}

describe.each([
  [
    'openai-plain.json',
    openaiReader,
    { inputTokens: 20, cacheReadTokens: 128, cacheWriteTokens: 0, outputTokens: 23 },
    'choices',
  ],
  [
    'anthropic-plain.json',
    anthropicReader,
    { inputTokens: 2_095, cacheReadTokens: 100, cacheWriteTokens: 7, outputTokens: 503 },
    'content',
  ],
] as const)('a plain answer (%s)', (fixture, createReader, usage, textField) => {
  const bytes = readFixture(fixture);
  const expected = {
    out: bytes.toString('latin1'),
    usage,
    outputBytes: stringBytes(JSON.parse(bytes.toString())[textField]),
  };

  it('is read the same wherever it is cut, and passes as it came', () => {
    for (const chunks of everyCut(bytes)) expect(readThrough(createReader(), chunks)).toEqual(expected);
  });

  it('that is cut off reports no more than was seen', () => {
    for (let at = 0; at < bytes.length; at += 1) {
      const { out, usage: seen, outputBytes } = readThrough(createReader(), [bytes.subarray(0, at)]);
      expect(out).toBe(expected.out.slice(0, at));
      expect([undefined, usage]).toContainEqual(seen);
      expect(outputBytes).toBeLessThanOrEqual(expected.outputBytes + 'reasoning_content'.length);
    }
  });
});

describe('a plain answer', () => {
  const tokens = fc.oneof(fc.nat(1_000), fc.constant(null));
  const document = fc.tuple(
    fc.record({ prompt_tokens: tokens, completion_tokens: tokens }, { requiredKeys: [] }),
    fc.array(fc.tuple(fc.constantFrom('"id"', '"choices"', '"x"', '"usage "'), jsonText()), { maxLength: 3 }),
    fc.nat(3),
  );

  it('reports what its outermost usage says, whatever else it holds, however it is cut', () => {
    const cutDocument = document.chain(([usage, members, at]) => {
      const written = members.map(([key, value]) => `${key}:${value}`);
      written.splice(at, 0, `"usage":${JSON.stringify(usage)}`);
      const bytes = Buffer.from(`{${written.join(',')}}`);
      return cutsOf(bytes).map((chunks) => ({ usage, bytes, chunks }));
    });
    fc.assert(
      fc.property(cutDocument, ({ usage, bytes, chunks }) => {
        const whole = readThrough(openaiReader(), [bytes]);
        const { prompt_tokens: prompt, completion_tokens: completion } = usage;
        expect(whole.usage).toEqual(
          typeof prompt !== 'number' && typeof completion !== 'number'
            ? undefined
            : {
                inputTokens: prompt ?? 0,
                cacheReadTokens: 0,
                cacheWriteTokens: 0,
                outputTokens: completion ?? 0,
              },
        );
        expect(readThrough(openaiReader(), chunks)).toEqual(whole);
        expect(readThrough(openaiReader(), bytewise(bytes))).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [
      'the cache read apart',
      '{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}',
      [6, 4, 0, 5],
    ],
    [
      'the cache written apart',
      '{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":3}}',
      [3, 4, 3, 5],
    ],
    [
      'never more parts than prompt',
      '{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":99,"cache_write_tokens":9}}',
      [0, 10, 0, 5],
    ],
    ['an explicit zero as a zero', '{"prompt_tokens":0,"completion_tokens":0}', [0, 0, 0, 0]],
    ['a missing completion as zero', '{"prompt_tokens":7}', [7, 0, 0, 0]],
    [
      'details of null',
      '{"prompt_tokens":7,"completion_tokens":1,"prompt_tokens_details":null}',
      [7, 0, 0, 1],
    ],
    ['nothing without counts', '{"total_tokens":7}', undefined],
    ['nothing of null', 'null', undefined],
    ['nothing of text', '"many"', undefined],
    ['nothing negative', '{"prompt_tokens":-7}', undefined],
    ['nothing fractional', '{"prompt_tokens":1.5}', undefined],
    ['nothing beyond safe integers', '{"prompt_tokens":1e300}', undefined],
    ['nothing twice', '{"prompt_tokens":1,"prompt_tokens":2}', undefined],
    ['nothing of broken JSON', '{"prompt_tokens":1 2}', undefined],
  ])('counts %s', (_name, usage, expected) => {
    const bytes = Buffer.from(`{"choices":[],"usage":${usage},"id":"x"}`);
    for (const chunks of coarseAndFine(bytes)) {
      const seen = readThrough(openaiReader(), chunks).usage;
      expect(
        seen && [seen.inputTokens, seen.cacheReadTokens, seen.cacheWriteTokens, seen.outputTokens],
      ).toEqual(expected);
    }
  });

  it.each([
    ['an array', '[{"usage":{"prompt_tokens":1}}]'],
    ['usage inside something else', '{"error":{"usage":{"prompt_tokens":1}}}'],
    [
      'text that looks like usage',
      '{"choices":[{"message":{"content":"{\\"usage\\":{\\"prompt_tokens\\":1}}"}}]}',
    ],
    ['a second document', '{"id":1}{"usage":{"prompt_tokens":1}}'],
    ['no JSON', '<html>"usage":{"prompt_tokens":1}</html>'],
    ['nothing', ''],
  ])('reports no usage for %s', (_name, text) => {
    const bytes = Buffer.from(text);
    for (const chunks of coarseAndFine(bytes)) {
      expect(readThrough(openaiReader(), chunks)).toMatchObject({ usage: undefined, out: text });
    }
  });

  it('may be any bytes', () => {
    const hostile = fc.array(
      fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '"usage"', '"choices"', '1', '\xff', '\n'),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(hostile, (pieces) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1');
        expect(readThrough(openaiReader(), bytewise(bytes)).out).toBe(bytes.toString('latin1'));
        expect(readThrough(anthropicReader(), [bytes]).out).toBe(bytes.toString('latin1'));
      }),
    );
  });

  it.each([
    ['a string of 10 MiB', `{"choices":["${'a'.repeat(10_485_760)}"],"usage":{"prompt_tokens":3}}`],
    [
      'a million brackets',
      `{"x":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)},"usage":{"prompt_tokens":3}}`,
    ],
  ])('with %s is read in bounded memory', (_name, text) => {
    const bytes = Buffer.from(text);
    const chunks = inPieces(bytes, 65_536);
    const reader = openaiReader();
    const before = process.memoryUsage().arrayBuffers;
    for (const chunk of chunks) expect(reader.push(chunk)).toBe(chunk);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_048_576);
    expect(reader.usage()?.inputTokens).toBe(3);
  });

  it.each([
    [65_536, 3],
    [65_537, undefined],
  ])('with a usage object of %i bytes reports %s, wherever it is cut', (length, expected) => {
    const [before, behind] = ['{"x":"', '","prompt_tokens":3}'];
    const usage = `${before}${'a'.repeat(length - before.length - behind.length)}${behind}`;
    for (const cuts of [[], [30_000], [30_000, 65_000]]) {
      const chunks = cutAt(Buffer.from(`{"usage":${usage}}`), cuts);
      expect(readThrough(openaiReader(), chunks).usage?.inputTokens).toBe(expected);
    }
  });
});
