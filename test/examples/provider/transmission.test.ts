// Each behaviour that the mock can be asked for is really on the wire.

import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { MALFORMED_FRAMES } from '../../../examples/provider/transmission.ts';
import { until } from '../../sidecar/until.ts';
import { collect, INPUT_TOKENS, MESSAGES, OPENAI_MODEL, OUTPUT_TOKENS, useProvider } from './fixture.ts';
import { exchangeRaw, type RawExchange, readChunks } from './raw-exchange.ts';

const PLAIN = { model: OPENAI_MODEL, messages: MESSAGES };
const STREAM = { ...PLAIN, stream: true as const };
const PATH = '/v1/chat/completions';

const fixture = useProvider();

function send(body: unknown, settings: Readonly<Record<string, string>>): RawExchange {
  const headers = Object.entries(settings).map(([name, value]) => [`x-provider-${name}`, value]);
  return exchangeRaw(fixture.provider.url, { path: PATH, body, headers: Object.fromEntries(headers) });
}

function split(text: string): readonly [head: string, body: string] {
  const at = text.indexOf('\r\n\r\n') + 4;
  return [text.slice(0, at), text.slice(at)];
}

function header(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, 'im').exec(head)?.[1];
}

function countEvents(text: string): number {
  return text.split('data: ').length - 1;
}

/** Resolves when the provider has seen `calls` calls. */
async function arrived(calls: number): Promise<void> {
  await until(
    () => fixture.provider.meter.total().calls,
    (seen) => seen >= calls,
  );
}

describe('pace', () => {
  test('nothing is sent or billed before the think time is over', async () => {
    const startMs = performance.now();
    await send(PLAIN, { 'think-ms': '40' }).ended;
    // Node rounds timers to whole milliseconds.
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(39);

    const thinking = send(PLAIN, { 'think-ms': '600000' });
    await arrived(2);
    thinking.destroy();
    await fixture.provider.meter.idle();
    expect((await thinking.ended).bytes).toHaveLength(0);
    expect(fixture.provider.meter.total()).toMatchObject({ calls: 2, cut: 1, inputTokens: INPUT_TOKENS });
  });

  test('events are generated one after the other, with the delay between them', async () => {
    const stream = send(STREAM, { 'event-delay-ms': '600000' });
    expect(countEvents(await stream.until('data: '))).toBe(1);
    expect(fixture.provider.meter.total().outputTokens).toBe(0);
    stream.destroy();
    await fixture.provider.meter.idle();
    expect(countEvents((await stream.ended).text)).toBe(1);

    const startMs = performance.now();
    await send(STREAM, { 'event-delay-ms': '5', 'output-tokens': '4' }).ended;
    // Role, 4 tokens, finish, [DONE]: 6 gaps.
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(29);
  });

  test('a drip sends one byte at a time', async () => {
    const { bytes } = await send({ ...STREAM, max_tokens: 1 }, { fault: 'drip:0' }).ended;
    const { chunks, rest } = readChunks(bytes);
    expect(new Set(chunks.map((chunk) => chunk.length))).toEqual(new Set([1]));
    expect(Buffer.concat(chunks).toString()).toMatch(/data: \[DONE\]\n\n$/);
    expect(rest).toBe('0\r\n\r\n');
  });

  test('a drip waits between two bytes', async () => {
    const startMs = performance.now();
    const { text } = await exchangeRaw(fixture.provider.url, {
      path: '/tools/t',
      headers: { 'x-provider-fault': 'drip:2' },
    }).ended;
    const [, body] = split(text);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(body.length);
  });
});

describe('encodings', () => {
  const DECODERS = {
    gzip: (bytes: Buffer) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }),
    br: (bytes: Buffer) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
    zstd: (bytes: Buffer) => zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush }),
  };

  test.each([
    'gzip',
    'br',
    'zstd',
  ] as const)('a plain %s body is the same body, with its own length', async (encoding) => {
    const { bytes, text } = await send(PLAIN, { encoding }).ended;
    const [head, body] = split(text);
    expect(header(head, 'content-encoding')).toBe(encoding);
    expect(header(head, 'content-length')).toBe(String(body.length));
    const decoded = DECODERS[encoding](bytes.subarray(head.length)).toString();
    expect(JSON.parse(decoded)).toMatchObject({
      object: 'chat.completion',
      usage: { prompt_tokens: INPUT_TOKENS },
    });
  });

  test.each([
    'gzip',
    'br',
    'zstd',
  ] as const)('each event of a %s stream can be decoded when it arrives', async (encoding) => {
    const whole = readChunks((await send(STREAM, { encoding }).ended).bytes).chunks;
    expect(DECODERS[encoding](Buffer.concat(whole)).toString()).toMatch(/data: \[DONE\]\n\n$/);
    const { chunks } = readChunks((await send(STREAM, { encoding, fault: 'abort:3' }).ended).bytes);
    expect(chunks.map((_, index) => countEvents(decodeUpTo(chunks, index)))).toEqual([1, 2, 3]);

    function decodeUpTo(all: readonly Buffer[], index: number): string {
      return DECODERS[encoding](Buffer.concat(all.slice(0, index + 1))).toString();
    }
  });
});

describe('the head and the tail', () => {
  test('early hints come before the head', async () => {
    const { text } = await send(PLAIN, { 'early-hints': 'on' }).ended;
    expect(text).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/>; rel=preconnect\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
  });

  test.each([PLAIN, STREAM])('trailers follow a chunked body', async (body) => {
    const { bytes, text } = await send(body, { trailers: 'on' }).ended;
    const [head] = split(text);
    expect(header(head, 'trailer')).toBe('x-provider-trailer');
    expect(header(head, 'content-length')).toBeUndefined();
    expect(readChunks(bytes).rest).toBe('0\r\nx-provider-trailer: done\r\n\r\n');
  });

  test('a header flood fills a mebibyte, more than the HTTP client of the SDKs takes', async () => {
    const [head, body] = split((await send(PLAIN, { fault: 'header-flood' }).ended).text);
    expect(head.length).toBeGreaterThan(1_048_576);
    expect(JSON.parse(body)).toMatchObject({ object: 'chat.completion' });
    const flooded = fetch(`${fixture.provider.url}/tools/t`, {
      headers: { 'x-provider-fault': 'header-flood' },
    });
    await expect(flooded).rejects.toMatchObject({ cause: { code: 'UND_ERR_HEADERS_OVERFLOW' } });
  });

  test('a Content-Length that is too large: the connection closes before the body is complete', async () => {
    const exchange = exchangeRaw(fixture.provider.url, {
      path: PATH,
      body: PLAIN,
      headers: { connection: 'keep-alive', 'x-provider-fault': 'length:10' },
    });
    const [head, body] = split((await exchange.ended).text);
    expect(Number(header(head, 'content-length'))).toBe(body.length + 10);
    expect(JSON.parse(body)).toMatchObject({ object: 'chat.completion' });
    expect(header(head, 'connection')).toBe('close');
  });

  test('a Content-Length that is too small: the rest follows on a connection that stays open', async () => {
    const exchange = exchangeRaw(fixture.provider.url, {
      path: PATH,
      body: PLAIN,
      headers: { connection: 'keep-alive', 'x-provider-fault': 'length:-10' },
    });
    const [head, body] = split(await exchange.until('"fp_mock"}'));
    expect(Number(header(head, 'content-length'))).toBe(body.length - 10);
    expect(header(head, 'connection')).toBe('keep-alive');
    exchange.destroy();
  });
});

describe('cuts', () => {
  test.each([
    { fault: 'abort', reset: false },
    { fault: 'reset', reset: true },
  ])('$fault without a number ends the connection before the head, and nothing is billed', async (row) => {
    for (const body of [PLAIN, STREAM]) {
      const { bytes, reset } = await send(body, { fault: row.fault }).ended;
      expect(bytes).toHaveLength(0);
      expect(reset).toBe(row.reset);
    }
    await fixture.provider.meter.idle();
    expect(fixture.provider.meter.total()).toMatchObject({
      calls: 2,
      cut: 2,
      answersByStatus: {},
      inputTokens: 0,
    });
  });

  test.each([
    { fault: 'abort', reset: false },
    { fault: 'reset', reset: true },
  ])('$fault:k ends a stream after the head and exactly k events', async (row) => {
    for (const events of [0, 1, 5]) {
      const { bytes, text, reset } = await send(STREAM, { fault: `${row.fault}:${events}` }).ended;
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      const { chunks, rest } = readChunks(bytes);
      expect(chunks).toHaveLength(events);
      expect(rest).toBe('');
      expect(reset).toBe(row.reset);
    }
    await fixture.provider.meter.idle();
    expect(fixture.provider.meter.total()).toMatchObject({
      cut: 3,
      completed: 0,
      answersByStatus: { 200: 3 },
    });
  });

  test('a cut beyond the last event keeps back the end of the body alone', async () => {
    const { text } = await send(STREAM, { fault: 'abort:9999' }).ended;
    expect(text).toMatch(/data: \[DONE\]\n\n\r\n$/);
  });

  test.each([0, 1])('abort:%s ends a plain answer after its head or half of its body', async (halves) => {
    const [head, body] = split((await send(PLAIN, { fault: `abort:${halves}` }).ended).text);
    const announced = Number(header(head, 'content-length'));
    expect(body).toHaveLength(Math.ceil((announced * halves) / 2));
    expect(announced).toBeGreaterThan(0);
  });

  test.each([
    'stall',
    'stall:0',
    'stall:5',
  ])('%s keeps the call open and sends nothing more until it is left', async (fault) => {
    const exchange = send(STREAM, { fault });
    const [, count] = fault.split(':');
    await arrived(1);
    if (count !== undefined) await exchange.until('200 OK');
    if (count === '5') await exchange.until(' steam');
    expect(fixture.provider.meter.report().openCalls).toBe(1);
    // Closing ends the connection, so that all that was ever sent is known.
    await fixture.provider.close();
    const { bytes } = await exchange.ended;
    expect(bytes.length === 0).toBe(count === undefined);
    expect(countEvents(bytes.toString())).toBe(Number(count ?? 0));
    const { completed } = await until(
      () => fixture.provider.meter.total(),
      ({ cut }) => cut === 1,
    );
    expect(completed).toBe(0);
  });
});

describe('broken events', () => {
  test('malformed frames stand after the second event of a stream that then ends well', async () => {
    const { chunks } = readChunks((await send(STREAM, { fault: 'malformed' }).ended).bytes);
    const body = Buffer.concat(chunks);
    const at = body.indexOf(MALFORMED_FRAMES);
    expect(countEvents(body.subarray(0, at).toString())).toBe(2);
    expect(body.toString()).toMatch(/data: \[DONE\]\n\n$/);
    const stream = await fixture.openai.chat.completions.create(STREAM, {
      headers: { 'x-provider-fault': 'malformed' },
    });
    await expect(collect(stream)).rejects.toBeInstanceOf(SyntaxError);
  });

  test('a long line is one event of 10 MB that the SDK still understands', async () => {
    const stream = await fixture.openai.chat.completions.create(STREAM, {
      headers: { 'x-provider-fault': 'long-line' },
    });
    const chunks = await collect(stream);
    const lengths = chunks.map((chunk) => JSON.stringify(chunk).length);
    expect(lengths[1]).toBeGreaterThan(10_000_000);
    expect(lengths.filter((length) => length > 1_000)).toHaveLength(1);
    expect(chunks.filter((chunk) => chunk.choices[0]?.delta.content).length).toBe(OUTPUT_TOKENS);
  });
});
