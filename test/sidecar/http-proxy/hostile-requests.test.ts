// Requests that are broken or hostile: each gets a clear answer or a closed connection, none reaches the provider.

import { randomBytes } from 'node:crypto';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { readUsed, untilClear } from './books.ts';
import { askChat, chatBody } from './chat.ts';
import {
  createRawClients,
  headerOf,
  type RawAnswer,
  type RawClient,
  requestHead,
  requestOf,
} from './raw-client.ts';

const MIB = 1_024 * 1_024;
const POLICIES = policyOf([
  '{name: requests, unit: Requests, rates: [{limit: 1k, window: 744h}]}',
  '{name: tokens, unit: TotalTokens, rates: [{limit: 1M, window: 744h}], match: {kinds: [LLM]}}',
  '{name: slots, unit: Concurrency, max: 50}',
]);

let governed: Governed;

beforeEach(async () => {
  governed = await startGoverned({
    policies: POLICIES,
    upstreams: { tools: '/tools' },
    settings: { maxBody: MIB, headersTimeout: 1_000, requestTimeout: 1_000, grace: 0 },
  });
});

/** Whatever was sent: nothing was called, nothing is open, and the next call is served. */
afterEach(async () => {
  await untilClear(governed);
  expect(governed.provider.meter.total().calls).toBe(0);
  expect(await readUsed(governed)).toEqual({ requests: 0, tokens: 0, slots: 0 });
  expect((await askChat(governed, chatBody({}))).status).toBe(200);
  await governed.close();
});

const connect = createRawClients();

function open(): RawClient {
  return connect(governed.sidecar.port);
}

async function answerTo(bytes: string | Buffer): Promise<RawAnswer> {
  const client = open();
  await client.send(bytes);
  return client.answer();
}

/** A request that says nothing about its body but what these lines say. */
function rawRequest(line: string, lines: readonly string[] = [], body = ''): string {
  return requestHead(line, lines) + body;
}

const CHAT = 'POST /openai/v1/chat/completions';
const MESSAGES = 'POST /anthropic/v1/messages';

/** Status, class and reason; the class is read where the dialect of the answer has it. */
function signalOf(answer: RawAnswer): readonly unknown[] {
  const body = JSON.parse(answer.body.toString());
  return [answer.status, (body.error?.flyball ?? body.flyball).class, headerOf(answer, 'flyball-reason')];
}

const MALFORMED = [400, 'INVALID', 'MALFORMED_REQUEST'];
const TOO_LARGE = [413, 'TOO_LARGE', 'BODY_TOO_LARGE'];

describe('what is no HTTP/1.1', () => {
  it.each([
    ['no request', 'GARBAGE\r\n\r\n'],
    ['HTTP/0.9', 'GET /openai/v1/models\r\n\r\n'],
    ['a TLS handshake', Buffer.from('160301020001000fc0303', 'hex')],
    ['a method that is none', rawRequest('FLY /openai/v1/models')],
    ['a header without a colon', rawRequest('GET /openai/v1/models', ['nothing'])],
    ['a space before the colon', rawRequest(CHAT, ['Content-Length : 5'], 'hello')],
    ['a NUL in a header', rawRequest('GET /openai/v1/models', ['X: a\0b'])],
    ['a bare CR in a header', rawRequest('GET /openai/v1/models', ['X: a\rY: b'])],
    ['a folded header', rawRequest('GET /openai/v1/models', ['X: a', ' b: c'])],
    ['two equal lengths', rawRequest(CHAT, ['Content-Length: 2', 'Content-Length: 2'], '{}')],
    ['two lengths', rawRequest(CHAT, ['Content-Length: 2', 'Content-Length: 3'], '{}')],
    ['a list of lengths', rawRequest(CHAT, ['Content-Length: 2, 2'], '{}')],
    ['a length with a sign', rawRequest(CHAT, ['Content-Length: +2'], '{}')],
    ['a length below 0', rawRequest(CHAT, ['Content-Length: -2'], '{}')],
    ['a hexadecimal length', rawRequest(CHAT, ['Content-Length: 0x2'], '{}')],
    ['a length without end', rawRequest(CHAT, [`Content-Length: ${'9'.repeat(40)}`], '{}')],
    [
      'a length and chunks',
      rawRequest(CHAT, ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    ],
    [
      'chunks and a length',
      rawRequest(CHAT, ['Transfer-Encoding: chunked', 'Content-Length: 4'], '0\r\n\r\n'),
    ],
    ['another coding than chunks', rawRequest(CHAT, ['Transfer-Encoding: gzip'], '{}')],
    ['chunks that are not last', rawRequest(CHAT, ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n')],
    ['a disguised coding', rawRequest(CHAT, ['Transfer-Encoding: xchunked'], '0\r\n\r\n')],
    ['a folded coding', rawRequest(CHAT, ['Transfer-Encoding:', ' chunked'], '0\r\n\r\n')],
    ['a coding with a vertical tab', rawRequest(CHAT, ['Transfer-Encoding: \x0bchunked'], '0\r\n\r\n')],
    ['a chunk size that is none', rawRequest(CHAT, ['Transfer-Encoding: chunked'], 'xyz\r\n')],
    ['a chunk size with a sign', rawRequest(CHAT, ['Transfer-Encoding: chunked'], '-1\r\n')],
    ['a chunk size without end', rawRequest(CHAT, ['Transfer-Encoding: chunked'], `${'f'.repeat(20)}\r\n`)],
    ['a chunk that is too long', rawRequest(CHAT, ['Transfer-Encoding: chunked'], '2\r\nabc\r\n0\r\n\r\n')],
    [
      'a chunk extension without end',
      rawRequest(CHAT, ['Transfer-Encoding: chunked'], `1;${'x'.repeat(20_000)}`),
    ],
    ['headers of 20 KB', rawRequest('GET /openai/v1/models', [`X: ${'x'.repeat(20_000)}`])],
    ['a path of 20 KB', rawRequest(`GET /${'x'.repeat(20_000)}`)],
  ])('is answered as such, and its connection ends: %s', async (_name, bytes) => {
    const client = open();
    await client.send(bytes);
    const answer = await client.answer();
    expect(signalOf(answer)).toEqual(MALFORMED);
    expect(headerOf(answer, 'connection')).toBe('close');
    await client.closed;
    expect(client.text().match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('may be HTTP/2, which ends at once', async () => {
    const client = open();
    await client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await client.closed;
  });

  it('never turns a body into a second request', async () => {
    const inner = rawRequest('GET /upstream/tools/search');
    for (const lines of [
      ['Content-Length: 6', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
      ['Transfer-Encoding : chunked', 'Content-Length: 5'],
      [`Content-Length: ${inner.length}`, 'Content-Length: 0'],
    ]) {
      const client = open();
      await client.send(rawRequest(CHAT, lines, `0\r\n\r\n${inner}`));
      await client.closed;
      expect(client.text().match(/HTTP\/1\.1 /g)).toHaveLength(1);
    }
  });
});

describe('a request that cannot be governed', () => {
  const LATIN = Buffer.from(rawRequest('GET /openai/v1/caf\xe9'), 'latin1');

  it.each([
    ['of HTTP/2.0', 'GET /openai/v1/models HTTP/2.0\r\nHost: localhost\r\n\r\n'],
    [
      'with 5,000 headers',
      rawRequest(
        'GET /openai/v1/models',
        Array.from({ length: 5_000 }, () => 'a:'),
      ),
    ],
    ['without Host', 'GET /openai/v1/models HTTP/1.1\r\n\r\n'],
    ['of HTTP/1.0 without Host', 'GET /openai/v1/models HTTP/1.0\r\n\r\n'],
    ...[
      '',
      'evil.com',
      'localhost.evil.com',
      '127.0.0.1.evil.com',
      'evil.com:80#localhost',
      '127.1',
      '0.0.0.0',
      'localhost:',
      'localhost:999999',
      'localhost@evil.com',
      'localhost/..',
    ].map((host): [string, string] => [
      `for the host "${host}"`,
      `GET /openai/v1/models HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    ]),
    [
      'of a page of another site',
      rawRequest('POST /upstream/tools/a', [
        'Origin: https://evil.com',
        'Sec-Fetch-Site: cross-site',
        'Content-Length: 0',
      ]),
    ],
    ['in absolute form', rawRequest('GET http://evil.com/openai/v1/models')],
    ['in absolute form for us', rawRequest('GET http://localhost/openai/v1/models')],
    ['in asterisk form', rawRequest('OPTIONS *')],
    ['with a path in another alphabet', LATIN],
    ['with a path of 9 KB', rawRequest(`GET /openai/v1/${'x'.repeat(9_000)}`)],
    [
      'with 201 headers',
      rawRequest(
        'GET /openai/v1/models',
        Array.from({ length: 200 }, (_, i) => `x-${i}: 1`),
      ),
    ],
    ['with another expectation', rawRequest(CHAT, ['Expect: 200-ok', 'Content-Length: 2'])],
    [
      'that wants a WebSocket',
      rawRequest('GET /openai/v1/realtime', [
        'Connection: upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
      ]),
    ],
    [
      'that wants a WebSocket behind HTTP/2',
      rawRequest('GET /openai/v1/realtime', ['Connection: upgrade', 'Upgrade: h2c, websocket']),
    ],
    [
      'that wants another protocol with a body',
      rawRequest(CHAT, ['Connection: upgrade', 'Upgrade: x', 'Content-Length: 2'], '{}'),
    ],
    ['that wants a tunnel', 'CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com:443\r\n\r\n'],
  ])('is refused: %s', async (_name, bytes) => {
    expect(signalOf(await answerTo(bytes))).toEqual(MALFORMED);
  });

  it('is refused in the words of the API that it was meant for', async () => {
    const [openai, anthropic, other] = await Promise.all([
      answerTo(requestOf(CHAT, '{')),
      answerTo(requestOf(MESSAGES, '{')),
      answerTo(rawRequest('GET /upstream/tools/a//b')),
    ]);
    expect(JSON.parse(openai.body.toString())).toMatchObject({ error: { type: 'invalid_request_error' } });
    expect(JSON.parse(anthropic.body.toString())).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error' },
    });
    expect(headerOf(other, 'content-type')).toBe('application/problem+json');
  });
});

describe('a body that cannot be read', () => {
  const nested = (depth: number): string =>
    `{"model":"m","metadata":${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it.each([
    ['empty', ''],
    ['cut', '{"model":"gpt-5-mini","messages":['],
    ['not an object', '[]'],
    ['null', 'null'],
    ['a string', '"model"'],
    ['two documents', '{}{}'],
    ['a trailing comma', '{"model":"m",}'],
    ['NaN', '{"model":"m","temperature":NaN}'],
    ['a comment', '{/**/"model":"m"}'],
    ['UTF-16', Buffer.from('{"model":"m"}', 'utf16le')],
    ['random bytes', randomBytes(1_000)],
    ['nested 64 deep inside', nested(64)],
    ['nested 100,000 deep', nested(100_000)],
    ['objects nested 100,000 deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['an open bracket 500,000 times', '['.repeat(500_000)],
    ['a model twice', '{"model":"cheap","model":"dear"}'],
    ['a model in disguise', '{"mod\\u0065l":"dear","model":"cheap"}'],
    ['a model in capitals', '{"Model":"dear","model":"cheap"}'],
    ['a cap twice', '{"model":"m","max_tokens":1,"max_tokens":9999}'],
    ['a cap that is a string', '{"model":"m","max_tokens":"1"}'],
    ['a cap below 0', '{"model":"m","max_tokens":-1}'],
    ['a cap in fractions', '{"model":"m","max_tokens":0.5}'],
    ['a cap without end', '{"model":"m","max_tokens":1e999}'],
    ['a model that is a number', '{"model":1}'],
    ['a model of 10 KB', `{"model":"${'m'.repeat(10_000)}"}`],
    ['a model with a control character', '{"model":"m\\u0000"}'],
    ['messages that are a string', '{"model":"m","messages":"hi"}'],
    ['stream as a string', '{"model":"m","stream":"true"}'],
  ])('is refused with its problem, in both APIs: %s', async (_name, body) => {
    for (const line of [CHAT, MESSAGES]) {
      const answer = await answerTo(requestOf(line, body));
      expect(signalOf(answer)).toEqual(MALFORMED);
      // The problem is named, and none of the caller's text is repeated.
      expect(answer.body.toString()).not.toMatch(/cheap|dear|mmmm/);
      expect(answer.body.length).toBeLessThan(2_048);
    }
  });

  it('may be nested 60 deep and hold 60,000 keys', async () => {
    const keys = Array.from({ length: 60_000 }, (_, i) => `"${i}":0`).join(',');
    const client = open();
    for (const body of [nested(60), `{"model":"m","messages":[],"metadata":{${keys}}}`]) {
      await client.send(requestOf(CHAT, body));
      // It went through: what the mock says about it is its own error, or its answer.
      const answer = await client.answer();
      expect(headerOf(answer, 'flyball-origin')).toBeUndefined();
    }
    await governed.provider.meter.idle();
    expect(governed.provider.meter.total().calls).toBe(2);
    await governed.close();
    governed = await startGoverned({ policies: POLICIES });
  });
});

describe('a body that is too large', () => {
  it('by its own account is refused before a byte of it is read', async () => {
    const answer = await answerTo(rawRequest(CHAT, [`Content-Length: ${200 * MIB}`]));
    expect(signalOf(answer)).toEqual(TOO_LARGE);
    const waiting = open();
    await waiting.send(rawRequest(CHAT, [`Content-Length: ${200 * MIB}`, 'Expect: 100-continue']));
    expect(signalOf(await waiting.answer())).toEqual(TOO_LARGE);
    await waiting.closed;
  });

  it.each([
    ['with a length', `Content-Length: ${200 * MIB}`, Buffer.alloc(MIB / 4, 'x')],
    ['in chunks', 'Transfer-Encoding: chunked', Buffer.from(`40000\r\n${'x'.repeat(MIB / 4)}\r\n`)],
    [
      'in small chunks',
      'Transfer-Encoding: chunked',
      Buffer.from('10\r\nxxxxxxxxxxxxxxxx\r\n'.repeat(12_000)),
    ],
    ['in chunks of one byte', 'Transfer-Encoding: chunked', Buffer.from('1\r\nx\r\n'.repeat(40_000))],
  ])('is refused while it is still sent, and the sender is stopped: %s', async (_name, framing, piece) => {
    const client = open();
    await client.send(rawRequest(CHAT, [framing]));
    while (!client.socket.destroyed && client.socket.bytesWritten < 200 * MIB) await client.send(piece);
    // What is buffered on the way, and what is dropped so that the answer arrives.
    expect(client.socket.bytesWritten).toBeLessThan(32 * MIB);
    expect(['BODY_TOO_LARGE', 'MALFORMED_REQUEST']).toContain(
      /flyball-reason: (\S+)/.exec(client.text())?.[1],
    );
    await client.closed;
  });
});

describe('a compressed body', () => {
  const ZEROS = Buffer.alloc(64 * MIB);
  const PLAIN = Buffer.from(JSON.stringify(chatBody({})));

  it.each([
    ['a gzip bomb', 'gzip', gzipSync(ZEROS), TOO_LARGE],
    ['a brotli bomb', 'br', brotliCompressSync(ZEROS), TOO_LARGE],
    ['a zstd bomb', 'zstd', zstdCompressSync(ZEROS), TOO_LARGE],
    ['a bomb within the largest size', 'br', brotliCompressSync(Buffer.alloc(MIB - 1, ' ')), TOO_LARGE],
    ['a bomb in a bomb', 'gzip', gzipSync(gzipSync(ZEROS)), MALFORMED],
    ['cut', 'gzip', gzipSync(PLAIN).subarray(0, -10), MALFORMED],
    ['followed by garbage', 'gzip', Buffer.concat([gzipSync(PLAIN), Buffer.from('garbage')]), MALFORMED],
    ['in another coding than it says', 'br', gzipSync(PLAIN), MALFORMED],
    ['in no coding at all', 'gzip', PLAIN, MALFORMED],
    ['in an unknown coding', 'lzma', PLAIN, MALFORMED],
    ['in two codings', 'gzip, br', brotliCompressSync(gzipSync(PLAIN)), MALFORMED],
    ['empty', 'gzip', Buffer.alloc(0), MALFORMED],
  ])('is refused: %s', async (_name, coding, body, signal) => {
    for (const line of [CHAT, MESSAGES]) {
      expect(signalOf(await answerTo(requestOf(line, body, [`Content-Encoding: ${coding}`])))).toEqual(
        signal,
      );
    }
  });
});

describe('a request that comes too slowly', () => {
  const BOUND_MS = 7_000;

  it('is answered and ended within its time, in its head or in its body, while others are served', async () => {
    const startMs = performance.now();
    const slow = Array.from({ length: 200 }, (_, i) => {
      const client = open();
      const bytes = [
        'G',
        'POST /openai/v1/chat/completions HTTP/1.1\r\nHost: localho',
        rawRequest(CHAT, ['Content-Length: 100'], '{"model"'),
        rawRequest(MESSAGES, ['Transfer-Encoding: chunked'], '5\r\n{'),
      ][i % 4];
      void client.send(bytes ?? '');
      return client;
    });
    for (const client of slow) {
      await client.closed;
      expect(client.text()).toContain('HTTP/1.1 400 Bad Request');
      expect(client.text()).toContain('did not arrive in time');
    }
    expect(performance.now() - startMs).toBeLessThan(BOUND_MS);
  });

  it('is not kept alive by a byte now and then', async () => {
    await governed.close();
    governed = await startGoverned({
      policies: POLICIES,
      settings: { headersTimeout: 1_000, requestTimeout: 60_000, grace: 0 },
    });
    const client = open();
    const startMs = performance.now();
    let ended = false;
    void client.closed.then(() => {
      ended = true;
    });
    await client.send('POST /openai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX: ');
    while (!ended) {
      await client.send('x');
      expect(performance.now() - startMs).toBeLessThan(BOUND_MS);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});
