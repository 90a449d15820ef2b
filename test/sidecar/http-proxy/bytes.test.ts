// What passes through is what was sent: bodies, headers, framing, order and time.

import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { until } from '../until.ts';
import {
  chunk,
  countBytes,
  createRawClients,
  headerOf,
  type RawClient,
  requestHead,
  requestOf,
  valuesOf,
} from './raw-client.ts';
import {
  createScriptedUpstream,
  everyUpstream,
  type ScriptedCall,
  type ScriptedUpstream,
  STREAM_HEAD,
} from './scripted-upstream.ts';

const ROOMY = policyOf(['{name: r, unit: Requests, rates: [{limit: 1M, window: 1h}]}']);
const FORBIDDING = policyOf(['{name: r, unit: Requests, rates: [{limit: 0, window: 1h}]}']);
const CHAT = 'POST /openai/v1/chat/completions';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

let upstream: ScriptedUpstream;
let governed: Governed;

beforeEach(async () => {
  upstream = await createScriptedUpstream();
  governed = await startGoverned({
    policies: ROOMY,
    settings: { upstreams: everyUpstream(upstream), grace: 0 },
  });
});

afterEach(async () => {
  await governed.close();
  await upstream.close();
});

const connect = createRawClients();

function open(): RawClient {
  return connect(governed.sidecar.port);
}

/** Sends a request and hands over what arrived upstream. */
async function forwarded(request: Buffer | string): Promise<ScriptedCall> {
  await open().send(request);
  return upstream.next();
}

/** Sends a small GET and answers it with these bytes. */
async function answered(bytes: Buffer | string, method = 'GET'): Promise<RawClient> {
  const client = open();
  await client.send(requestHead(`${method} /upstream/raw/x`));
  await (await upstream.next()).write(bytes);
  return client;
}

describe('the body of a request', () => {
  const small = '{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}]}';
  it.each([
    ['white space in odd places', '\r\n\t {  "model" :\t"gpt-5-mini" ,\n"messages":[ ] }\n\n'],
    [
      'raw and escaped unicode',
      '{"model":"gpt-5-mini","messages":[{"role":"user","content":"\u4e2d\\u4e2d \\ud83d\\ude00 \u{1f600} \\/"}]}',
    ],
    [
      'repeated keys that nothing is counted by',
      '{"metadata":{"a":"1"},"model":"gpt-5-mini","metadata":{"a":"2"},"messages":[]}',
    ],
    [
      'numbers that a parser would rewrite',
      '{"model":"gpt-5-mini","messages":[],"temperature":1.50e0,"seed":12345678901234567890}',
    ],
    [
      'a stream that asks for usage itself',
      '{"model":"gpt-5-mini","stream":true,"stream_options":{"include_usage":true},"messages":[]}',
    ],
  ])('of a model call arrives byte for byte: %s', async (_name, body) => {
    const call = await forwarded(requestOf(CHAT, body, ['Content-Type: application/json']));
    expect((await call.body).equals(Buffer.from(body))).toBe(true);
    expect(valuesOf(call, 'content-length')).toEqual([String(Buffer.byteLength(body))]);
    expect(valuesOf(call, 'transfer-encoding')).toEqual([]);
  });

  it('of a model call arrives as compressed as it was sent', async () => {
    const body = gzipSync(small);
    const call = await forwarded(requestOf(CHAT, body, ['Content-Encoding: gzip']));
    expect((await call.body).equals(body)).toBe(true);
    expect(valuesOf(call, 'content-encoding')).toEqual(['gzip']);
    expect(valuesOf(call, 'content-length')).toEqual([String(body.length)]);
  });

  it('of a model call arrives in one piece with its length, however it was cut', async () => {
    const client = open();
    await client.send(requestHead(CHAT, ['Transfer-Encoding: chunked']));
    for (const byte of small) await client.send(chunk(byte));
    await client.send('0\r\n\r\n');
    const call = await upstream.next();
    expect((await call.body).toString()).toBe(small);
    expect(valuesOf(call, 'content-length')).toEqual([String(small.length)]);
    expect(valuesOf(call, 'transfer-encoding')).toEqual([]);
  });

  it('of any other call keeps its length', async () => {
    const client = open();
    await client.send(`${requestHead('POST /upstream/raw/upload', ['Content-Length: 8'])}half`);
    const call = await upstream.next();
    await client.send('half');
    expect((await call.body).toString()).toBe('halfhalf');
    expect(valuesOf(call, 'content-length')).toEqual(['8']);
    expect(valuesOf(call, 'transfer-encoding')).toEqual([]);
  });

  it('of any other call without a length arrives piece by piece, before its end', async () => {
    const client = open();
    await client.send(
      requestHead('POST /upstream/raw/upload', ['Transfer-Encoding: chunked']) + chunk('first'),
    );
    const call = await upstream.next();
    const seen: string[] = [];
    call.socket.on('data', (bytes: Buffer) => seen.push(bytes.toString('latin1')));
    await client.send(chunk('second'));
    await until(
      () => seen.join(''),
      (text) => text.includes('second'),
    );
    await client.send('0\r\n\r\n');
    expect((await call.body).toString()).toBe('firstsecond');
    expect(valuesOf(call, 'transfer-encoding')).toEqual(['chunked']);
  });

  it('of any other call travels in larger pieces than it came in', async () => {
    const client = open();
    await client.send(requestHead('POST /upstream/raw/upload', ['Transfer-Encoding: chunked']) + chunk('x'));
    const call = await upstream.next();
    const pieces = chunk('x').repeat(999);
    await client.send(`${pieces}0\r\n\r\n`);
    expect((await call.body).toString()).toBe('x'.repeat(1_000));
    expect(call.socket.bytesRead).toBeLessThan(pieces.length / 2);
  });

  it.each([
    ['GET', []],
    ['HEAD', []],
    ['DELETE', []],
    ['POST', ['0']],
    ['PUT', ['0']],
  ])('is absent where there was none: %s', async (method, lengths) => {
    const lines = lengths.map((length) => `Content-Length: ${length}`);
    const call = await forwarded(requestHead(`${method} /upstream/raw/x`, lines));
    expect(call.requestLine).toBe(`${method} /base/x HTTP/1.1`);
    expect(valuesOf(call, 'content-length')).toEqual(lengths);
    expect(valuesOf(call, 'transfer-encoding')).toEqual([]);
  });
});

describe('the path', () => {
  it.each([
    ['/openai/v1/chat/completions?a=1&b=%2F..%00', '/v1/chat/completions?a=1&b=%2F..%00'],
    ['/@bot/openai/v1/models', '/v1/models'],
    ['/anthropic/v1/messages', '/v1/messages'],
    ['/anthropic/messages?beta=true', '/v1/messages?beta=true'],
    ['/@bot/upstream/raw/a/b;c/d%20e?', '/base/a/b;c/d%20e?'],
    ['/upstream/raw', '/base/'],
  ])('%s goes to %s', async (path, expected) => {
    expect((await forwarded(requestHead(`GET ${path}`))).requestLine).toBe(`GET ${expected} HTTP/1.1`);
  });
});

describe('the headers of a request', () => {
  it('arrive in their order and case, but for those of the connection, of the sidecar and of the host', async () => {
    const call = await forwarded(
      requestHead('GET /upstream/raw/x', [
        'X-Custom: a,  b',
        'Connection: keep-alive, X-Hop , close-not',
        'x-hop: 1',
        'Close-Not: 1',
        'Keep-Alive: timeout=5',
        'Proxy-Authorization: Basic x',
        'TE: trailers',
        'Upgrade-Insecure-Requests: 1',
        'flyball-user: u',
        'Flyball-Anything: 1',
        'Flyball_User: u',
        'Authorization: Bearer key',
        'x-custom: again',
        'Cookie: a=1',
        'Accept-Encoding: gzip, br',
        'X-Latin: caf\u00e9',
      ]),
    );
    expect(call.headers).toEqual([
      ['host', new URL(upstream.url).host],
      ['connection', 'keep-alive'],
      ['X-Custom', 'a,  b'],
      ['Upgrade-Insecure-Requests', '1'],
      ['Authorization', 'Bearer key'],
      ['x-custom', 'again'],
      ['Cookie', 'a=1'],
      ['Accept-Encoding', 'gzip, br'],
      ['X-Latin', 'caf\u00c3\u00a9'],
    ]);
  });

  it('named by any of several Connection headers stay here', async () => {
    const call = await forwarded(
      requestHead('GET /upstream/raw/x', [
        'Connection: keep-alive',
        'Connection: X-A',
        'Connection: X-B',
        'X-A: 1',
        'X-B: 1',
        'X-End: 1',
      ]),
    );
    expect(call.headers.map(([name]) => name)).toEqual(['host', 'connection', 'X-End']);
  });

  it.each([
    ['a=1,flyball.user=x,b=2;p=q', 'a=1,b=2;p=q'],
    ['a=1, FLYBALL.session=x', 'a=1'],
    ['flyball.user=x', undefined],
    [' flyball.user=x , a=1', ' a=1'],
  ])('lose our members of baggage and no others: %s', async (baggage, expected) => {
    const call = await forwarded(requestHead('GET /upstream/raw/x', [`baggage: ${baggage}`]));
    expect(valuesOf(call, 'baggage')).toEqual(expected === undefined ? [] : [expected.trim()]);
  });
});

describe('the head of an answer', () => {
  it('arrives in its order with its reason and our decision, but for the headers of the connection and ours', async () => {
    const client = await answered(
      Buffer.from(
        'HTTP/1.1 201 Made\r\nSet-Cookie: a=1\r\nX-B: caf\u00e9\r\nset-cookie: b=2\r\nConnection: keep-alive, X-Hop\r\n' +
          'X-Hop: 1\r\nKeep-Alive: timeout=9\r\nflyball-decision: forged\r\nFlyball-Origin: flyball\r\n' +
          'RateLimit: "theirs";r=1\r\nDate: Tue, 24 Nov 2026 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok',
        'latin1',
      ),
    );
    const answer = await client.answer();
    expect([answer.status, answer.reason, answer.body.toString()]).toEqual([201, 'Made', 'ok']);
    const names = answer.headers.map(([name]) => name.toLowerCase());
    expect(names.filter((name) => ['x-hop', 'flyball-origin'].includes(name))).toEqual([]);
    expect(valuesOf(answer, 'set-cookie')).toEqual(['a=1', 'b=2']);
    expect(headerOf(answer, 'x-b')).toBe('caf\u00e9');
    expect(headerOf(answer, 'date')).toBe('Tue, 24 Nov 2026 00:00:00 GMT');
    expect(headerOf(answer, 'flyball-decision')).toMatch(/^[^f]/);
    expect(headerOf(answer, 'keep-alive')).not.toContain('9');
    expect(valuesOf(answer, 'ratelimit')).toEqual(['"theirs";r=1', expect.stringMatching(/^"test\/r";r=/)]);
  });

  it.each([
    ['a reason in UTF-8', 'HTTP/1.1 200 \u4e2d\u6587\r\ncontent-length: 2\r\n\r\nok'],
    ['a header in UTF-8', 'HTTP/1.1 200 OK\r\nx-note: \u4e2d\u6587\r\ncontent-length: 2\r\n\r\nok'],
    [
      'names of the JavaScript prototype',
      'HTTP/1.1 200 OK\r\n__proto__: a\r\nconstructor: b\r\ntoString: c\r\ncontent-length: 2\r\n\r\nok',
    ],
  ])('does not break the call: %s', async (_name, bytes) => {
    const answer = await (await answered(bytes)).answer();
    expect([answer.status, answer.body.toString()]).toEqual([200, 'ok']);
  });

  it('keeps a header in UTF-8 byte for byte', async () => {
    const answer = await (
      await answered('HTTP/1.1 200 OK\r\nx-note: \u4e2d\u6587\r\ncontent-length: 2\r\n\r\nok')
    ).answer();
    expect(Buffer.from(headerOf(answer, 'x-note') ?? '', 'latin1').toString()).toBe('\u4e2d\u6587');
  });

  it('is preceded by every informational answer, early hints among them', async () => {
    const client = await answered(
      'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\nlink: </b>; rel=preload\r\nflyball-x: 1\r\n\r\n' +
        `HTTP/1.1 102 Processing\r\n\r\n${OK}`,
    );
    const hints = await client.answer();
    expect(hints.status).toBe(103);
    expect(hints.headers.map(([name, value]) => [name.toLowerCase(), value])).toEqual([
      ['link', '</a>; rel=preload'],
      ['link', '</b>; rel=preload'],
    ]);
    expect((await client.answer()).status).toBe(102);
    expect((await client.answer()).status).toBe(200);
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n', '1234'],
    ['GET', 'HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n', undefined],
    ['GET', 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n', undefined],
  ])('has no body behind it: %s %j', async (method, bytes, length) => {
    const client = await answered(bytes, method);
    const answer = await client.answer({ toHead: method === 'HEAD' });
    expect(headerOf(answer, 'content-length')).toBe(length);
    expect(headerOf(answer, 'transfer-encoding')).toBeUndefined();
    await client.send(requestHead('GET /upstream/raw/y'));
    await (await upstream.next()).write(OK);
    expect((await client.answer()).body.toString()).toBe('ok');
  });
});

describe('the body of an answer', () => {
  it('keeps its length', async () => {
    const answer = await (await answered(OK)).answer();
    expect(headerOf(answer, 'content-length')).toBe('2');
    expect(headerOf(answer, 'transfer-encoding')).toBeUndefined();
  });

  it('without a length is chunked, with its trailers but for ours and those of the connection', async () => {
    const client = await answered(
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk('a')}${chunk('b')}0\r\nx-sum: 1\r\nflyball-x: 2\r\nconnection: close\r\n\r\n`,
    );
    const answer = await client.answer();
    expect(answer.body.toString()).toBe('ab');
    expect(answer.trailers).toEqual([['x-sum', '1']]);
  });

  it('that ends with the connection is complete', async () => {
    const client = open();
    await client.send(requestHead('GET /upstream/raw/x'));
    (await upstream.next()).socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it');
    expect((await client.answer()).body.toString()).toBe('all of it');
  });

  const REST = 'and more '.repeat(400_000);

  it.each([
    ['with its length', `Content-Length: ${10 + REST.length}`, 'some of it', REST],
    ['in chunks', 'Transfer-Encoding: chunked', chunk('some of it'), `${chunk(REST)}0\r\n\r\n`],
  ])('reaches its caller though the request is not complete: %s', async (_name, framing, first, rest) => {
    const client = connect(governed.sidecar.port, { staysOpen: true });
    await client.send(requestHead('POST /upstream/raw/x', [framing]) + first);
    const call = await upstream.next();
    await call.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 8\r\n\r\ntoo long');
    const answer = await client.answer();
    expect([answer.status, answer.body.toString()]).toEqual([413, 'too long']);
    expect(headerOf(answer, 'connection')).toBe('close');
    await client.send(rest);
    client.socket.end();
    // Whoever closed at once would have answered these bytes with a reset.
    expect(await client.closed).toBe(false);
  });

  it('without a body reaches its caller before the request is complete', async () => {
    const client = connect(governed.sidecar.port, { staysOpen: true });
    await client.send(`${requestHead('POST /upstream/raw/x', ['Content-Length: 20'])}half of it`);
    const call = await upstream.next();
    await call.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n');
    // Our side of the connection is still open: what is read of its head came while the rest was waited for.
    expect(await client.until('\r\n\r\n')).toContain('413');
    expect(governed.sidecar.openCalls).toBe(1);
    client.socket.end();
    await client.closed;
  });

  it.each(['gzip', 'br', 'zstd', 'made-up'])('in %s is not touched', async (encoding) => {
    const body = gzipSync(JSON.stringify({ usage: { prompt_tokens: 1, completion_tokens: 1 } }));
    const client = open();
    await client.send(requestOf(CHAT, '{"model":"gpt-5-mini","messages":[]}', ['Accept-Encoding: gzip']));
    const call = await upstream.next();
    expect(valuesOf(call, 'accept-encoding')).toEqual(['gzip']);
    await call.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    await call.write(body);
    const answer = await client.answer();
    expect(answer.body.equals(body)).toBe(true);
    expect(headerOf(answer, 'content-encoding')).toBe(encoding);
    expect(headerOf(answer, 'content-length')).toBe(String(body.length));
  });
});

describe('a stream', () => {
  const asking = '{"model":"gpt-5-mini","stream":true,"messages":[]}';
  const event = (content: string): string =>
    `data: {"choices":[{"index":0,"delta":{"content":"${content}"}}],"usage":null}\n\n`;
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}\n\n';

  it.each([
    ['a chat', CHAT],
    ['any other', 'POST /upstream/raw/events'],
  ])('hands on its head, its first and its last event before anything follows them: %s', async (_name, line) => {
    const client = open();
    await client.send(requestOf(line, asking));
    const call = await upstream.next();
    await call.write(STREAM_HEAD);
    await client.until('\r\n\r\n');
    await call.write(chunk(event('first')));
    await client.until(event('first'));
    await call.write(chunk(event('second')));
    await client.until(event('second'));
    await call.write(chunk('data: [DONE]\n\n'));
    await client.until('data: [DONE]\n\n');
    await call.write('0\r\n\r\n');
    expect((await client.answer()).body.toString()).toBe(
      `${event('first')}${event('second')}data: [DONE]\n\n`,
    );
  });

  it.each([
    1, 7, 1_000,
  ])('that was made to report usage loses that event alone, in pieces of %s bytes', async (size) => {
    const client = open();
    await client.send(requestOf(CHAT, asking, ['Accept-Encoding: gzip']));
    const call = await upstream.next();
    expect(JSON.parse((await call.body).toString())).toMatchObject({
      stream_options: { include_usage: true },
    });
    expect(valuesOf(call, 'accept-encoding')).toEqual(['identity']);
    await call.write(STREAM_HEAD);
    const sent = `: comment\n\n${event('a')}${event('b')}${usage}data: [DONE]\n\n`;
    for (let at = 0; at < sent.length; at += size) await call.write(chunk(sent.slice(at, at + size)));
    await call.write('0\r\n\r\n');
    expect((await client.answer()).body.toString()).toBe(sent.replace(usage, ''));
  });

  it('that asked for usage gets it', async () => {
    const client = open();
    await client.send(
      requestOf(
        CHAT,
        asking.replace('"stream":true', '"stream":true,"stream_options":{"include_usage":true}'),
      ),
    );
    const call = await upstream.next();
    await call.write(`${STREAM_HEAD}${chunk(event('a') + usage)}0\r\n\r\n`);
    expect((await client.answer()).body.toString()).toBe(event('a') + usage);
  });
});

describe('connections', () => {
  it('are used again on both sides', async () => {
    const client = open();
    for (const path of ['a', 'b', 'c']) {
      await client.send(requestOf(`POST /upstream/raw/${path}`, 'x'));
      const call = await upstream.next();
      expect([call.requestLine, call.connection]).toEqual([`POST /base/${path} HTTP/1.1`, 1]);
      await call.body;
      await call.write(OK);
      expect((await client.answer()).status).toBe(200);
    }
  });

  it('outlive a refusal, whether the request had a body or not', async () => {
    governed.change(FORBIDDING);
    const client = open();
    for (const request of [
      requestHead('GET /upstream/raw/x'),
      requestOf('POST /upstream/raw/x', 'body'),
      requestOf(CHAT, '{"model":"m","messages":[]}'),
    ]) {
      await client.send(request);
      const answer = await client.answer();
      expect(answer.status).toBe(403);
      expect(headerOf(answer, 'connection')).toBe('keep-alive');
    }
    expect(upstream.calls).toBe(0);
  });

  it('carry a body only after the caller was told to send it', async () => {
    const client = open();
    await client.send(requestHead(CHAT, ['Expect: 100-continue', 'Content-Length: 36']));
    await client.until('HTTP/1.1 100 Continue\r\n\r\n');
    expect((await client.answer()).status).toBe(100);
    await client.send('{"model":"gpt-5-mini","messages":[]}');
    const call = await upstream.next();
    expect(valuesOf(call, 'expect')).toEqual([]);
    await call.body;
    await call.write(OK);
    expect((await client.answer()).status).toBe(200);
  });

  it('carry no body for a call that is refused without it', async () => {
    governed.change(FORBIDDING);
    const client = open();
    await client.send(requestHead('POST /upstream/raw/x', ['Expect: 100-continue', 'Content-Length: 36']));
    expect((await client.answer()).status).toBe(403);
  });

  it('are not switched, and an offer of HTTP/2 is overheard', async () => {
    const client = open();
    await client.send(
      requestHead('GET /upstream/raw/x', [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
      ]),
    );
    const call = await upstream.next();
    expect(call.headers.map(([name]) => name)).toEqual(['host', 'connection']);
    await call.write(OK);
    expect((await client.answer()).status).toBe(200);
  });
});

describe('back-pressure', () => {
  const TOTAL_BYTES = 96 * 1_024 * 1_024;
  const MAX_UNDERWAY_BYTES = 32 * 1_024 * 1_024;
  const PIECE = Buffer.alloc(256 * 1_024, 'x');

  /** Writes as the other side reads; `sent` says how far it is. */
  function pour(write: (piece: Buffer) => Promise<void>): { sent: number; readonly done: Promise<void> } {
    const state = { sent: 0, done: Promise.resolve() };
    state.done = (async () => {
      while (state.sent < TOTAL_BYTES) {
        await write(PIECE);
        state.sent += PIECE.length;
      }
    })();
    return state;
  }

  /** Waits until nothing has moved for 100 looks. */
  async function untilStalled(state: { readonly sent: number }): Promise<number> {
    let seen = -1;
    let still = 0;
    await until(
      () => state.sent,
      (sent) => {
        still = sent === seen ? still + 1 : 0;
        seen = sent;
        return still === 100;
      },
    );
    return seen;
  }

  it('an answer is read from the upstream only as fast as its caller reads it', async () => {
    const client = open();
    client.socket.pause();
    await client.send(requestHead('GET /upstream/raw/x'));
    const call = await upstream.next();
    await call.write(`HTTP/1.1 200 OK\r\ncontent-length: ${TOTAL_BYTES}\r\n\r\n`);
    const state = pour((piece) => call.write(piece));
    expect(await untilStalled(state)).toBeLessThan(MAX_UNDERWAY_BYTES);
    const count = countBytes(client.socket);
    client.socket.resume();
    await state.done;
    await until(
      () => count.received,
      (bytes) => bytes > TOTAL_BYTES,
    );
  });

  it('a body is read from its caller only as fast as the upstream reads it', async () => {
    const client = open();
    await client.send(requestHead('POST /upstream/raw/x', [`Content-Length: ${TOTAL_BYTES}`]));
    const state = pour((piece) => client.send(piece));
    const call = await upstream.next();
    call.socket.pause();
    expect(await untilStalled(state)).toBeLessThan(MAX_UNDERWAY_BYTES);
    const count = countBytes(call.socket);
    call.socket.resume();
    await state.done;
    await until(
      () => count.received,
      (bytes) => bytes > TOTAL_BYTES - MAX_UNDERWAY_BYTES,
    );
  });
});
