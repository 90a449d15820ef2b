// Upstreams that are broken or hostile: the caller gets an answer or sees a broken transfer, nothing stays open, and no
// answer costs more than its bytes.

import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SidecarSettings } from '../../../sidecar/settings.ts';
import { median } from '../../median.ts';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { type ProcessUse, type SidecarProcess, startSidecarProcess } from '../sidecar-process.ts';
import { readEntry, readRecord, readUsed, untilClear, untilNothingOpen } from './books.ts';
import { chunk, countBytes, createRawClients, headerOf, type RawClient, requestOf } from './raw-client.ts';
import {
  createScriptedUpstream,
  everyUpstream,
  type ScriptedCall,
  type ScriptedUpstream,
  STREAM_HEAD,
} from './scripted-upstream.ts';

const TIMEOUT_MS = 300;
const LIMITS = policyOf([
  '{name: requests, unit: Requests, rates: [{limit: 1k, window: 744h}]}',
  '{name: tokens, unit: TotalTokens, rates: [{limit: 1M, window: 744h}], match: {kinds: [LLM]}}',
  '{name: slots, unit: Concurrency, max: 4}',
]);
/** What hostile answers cost is not to end the test. */
const ROOMY = policyOf(['{name: tokens, unit: TotalTokens, rates: [{limit: 100G, window: 1h}]}']);
const HEAD = 'HTTP/1.1 200 OK\r\n';
const JSON_HEAD = `${HEAD}content-type: application/json\r\n`;
const EVENT = 'data: {"choices":[{"index":0,"delta":{"content":"flow"}}]}\n\n';

let upstream: ScriptedUpstream;
let governed: Governed;

beforeEach(async () => {
  upstream = await createScriptedUpstream();
  await start({ upstreamTimeout: TIMEOUT_MS, streamTimeout: TIMEOUT_MS });
});
afterEach(async () => {
  await governed.close();
  await upstream.close();
});

const connect = createRawClients();

async function start(settings: Partial<SidecarSettings>): Promise<void> {
  governed = await startGoverned({
    policies: LIMITS,
    settings: { upstreams: everyUpstream(upstream), grace: 0, ...settings },
  });
}

type Caller = 'openai' | 'anthropic' | 'raw';
const CALLERS: readonly Caller[] = ['openai', 'anthropic', 'raw'];

const LINES: Readonly<Record<Caller, string>> = {
  openai: 'POST /openai/v1/chat/completions',
  anthropic: 'POST /anthropic/v1/messages',
  raw: 'POST /upstream/raw/x',
};

function callOf(caller: Caller, stream = false, lines: readonly string[] = []): Buffer {
  const body = { model: 'made-up', max_tokens: 50, messages: [], ...(stream ? { stream } : {}) };
  return requestOf(LINES[caller], JSON.stringify(body), lines);
}

/** Starts a call and hands over both ends of it. */
async function call(
  caller: Caller,
  { stream = false, port = governed.sidecar.port, lines = [] as readonly string[] } = {},
): Promise<{ readonly client: RawClient; readonly at: ScriptedCall }> {
  const client = connect(port);
  await client.send(callOf(caller, stream, lines));
  const at = await upstream.next();
  await at.body;
  return { client, at };
}

/** One call of each caller. */
async function callAll(): Promise<
  readonly { readonly caller: Caller; readonly client: RawClient; readonly at: ScriptedCall }[]
> {
  const pairs = [];
  for (const caller of CALLERS) pairs.push({ caller, ...(await call(caller, { stream: true })) });
  return pairs;
}

/** The next call is served as if nothing had been. */
async function expectNextCallServed(): Promise<void> {
  const { client, at } = await call('raw');
  await at.write(`${HEAD}content-length: 4\r\n\r\nnext`);
  expect((await client.answer()).body.toString()).toBe('next');
}

describe('an upstream that fails before its answer begins', () => {
  const FAULTS: readonly (readonly [string, (at: ScriptedCall) => void, number, string])[] = [
    ['closes', (at) => at.socket.end(), 502, 'UPSTREAM_BROKEN'],
    ['resets', (at) => at.socket.resetAndDestroy(), 502, 'UPSTREAM_BROKEN'],
    ['says nothing', () => undefined, 504, 'UPSTREAM_TIMEOUT'],
    ['never ends its head', (at) => void at.write(`${HEAD}x-a: `), 504, 'UPSTREAM_TIMEOUT'],
    ['speaks no HTTP', (at) => void at.write('SSH-2.0-OpenSSH_9.9\r\n'), 502, 'UPSTREAM_BROKEN'],
    ['speaks HTTP/2', (at) => void at.write('\0\0\x12\x04\0\0\0\0\0'), 502, 'UPSTREAM_BROKEN'],
    ['has no status', (at) => void at.write('HTTP/1.1 OK\r\n\r\n'), 502, 'UPSTREAM_BROKEN'],
    [
      'has a line that is no header',
      (at) => void at.write(`${HEAD}no header\r\n\r\n`),
      502,
      'UPSTREAM_BROKEN',
    ],
    ['has a NUL in a header', (at) => void at.write(`${HEAD}x: a\0b\r\n\r\n`), 502, 'UPSTREAM_BROKEN'],
    [
      'gives two lengths',
      (at) => void at.write(`${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\nab`),
      502,
      'UPSTREAM_BROKEN',
    ],
    [
      'gives a length and chunks',
      (at) => void at.write(`${HEAD}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`),
      502,
      'UPSTREAM_BROKEN',
    ],
    [
      'gives no number as length',
      (at) => void at.write(`${HEAD}content-length: -1\r\n\r\n`),
      502,
      'UPSTREAM_BROKEN',
    ],
    [
      'switches protocols unasked',
      (at) => void at.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      502,
      'UPSTREAM_BROKEN',
    ],
    [
      'floods with headers',
      (at) => void at.write(`${HEAD}${`x-flood: ${'a'.repeat(1_000)}\r\n`.repeat(1_000)}\r\n`),
      502,
      'UPSTREAM_BROKEN',
    ],
    [
      'has a header without end',
      (at) => void at.write(`${HEAD}x-flood: ${'a'.repeat(1_000_000)}`),
      502,
      'UPSTREAM_BROKEN',
    ],
  ];

  it.each(
    FAULTS,
  )('is answered for in the caller’s own words: it %s', async (_name, fault, status, reason) => {
    const pairs = await callAll();
    for (const { at } of pairs) fault(at);
    for (const { caller, client, at } of pairs) {
      const answer = await client.answer();
      expect([answer.status, headerOf(answer, 'flyball-reason'), headerOf(answer, 'flyball-origin')]).toEqual(
        [status, reason, 'flyball'],
      );
      // Whether it was executed is not known.
      const backpressure = expect.objectContaining({ class: 'UPSTREAM_FAILED', reason, executed: null });
      expect(JSON.parse(answer.body.toString())).toMatchObject(
        caller === 'openai' ? { error: { flyball: backpressure } } : { flyball: backpressure },
      );
      expect(headerOf(answer, 'connection')).toBe('keep-alive');
      await at.closed;
    }
    await untilClear(governed);
    expect(await readUsed(governed)).toEqual({ requests: 3, tokens: 0, slots: 0 });
    await expectNextCallServed();
  });
});

describe('an upstream that fails after its answer has begun', () => {
  const CUTS: readonly (readonly [string, string, (at: ScriptedCall) => void])[] = [
    ['stalls in a stream', STREAM_HEAD + chunk(EVENT), () => undefined],
    ['stalls before the first byte of its body', STREAM_HEAD, () => undefined],
    ['stalls in a body', `${JSON_HEAD}content-length: 100\r\n\r\n{"usage"`, () => undefined],
    ['closes in a stream', STREAM_HEAD + chunk(EVENT), (at) => at.socket.end()],
    ['resets in a stream', STREAM_HEAD + chunk(EVENT), (at) => at.socket.resetAndDestroy()],
    [
      'closes before the announced length',
      `${JSON_HEAD}content-length: 100\r\n\r\n{"usage"`,
      (at) => at.socket.end(),
    ],
    [
      'resets before the announced length',
      `${JSON_HEAD}content-length: 100\r\n\r\n{"usage"`,
      (at) => at.socket.resetAndDestroy(),
    ],
    ['sends a chunk without a size', `${STREAM_HEAD}${chunk(EVENT)}xyz\r\n`, () => undefined],
    ['sends a chunk of absurd size', `${STREAM_HEAD}${chunk(EVENT)}fffffffffffffffff\r\n`, () => undefined],
  ];

  it.each(CUTS)('breaks the transfer: it %s', async (_name, bytes, cut) => {
    const pairs = await callAll();
    for (const { client, at } of pairs) {
      await at.write(bytes);
      if (bytes.startsWith(JSON_HEAD)) await client.until('{"usage"');
      cut(at);
    }
    for (const { caller, client, at } of pairs) {
      await client.closed;
      const text = client.text();
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
      if (bytes.includes(EVENT)) expect(text).toContain(EVENT);
      const decisionId = /flyball-decision: (\S+)/.exec(text)?.[1] ?? '';
      const { settle } = await readEntry(governed, decisionId);
      expect(settle).toMatchObject({ outcome: 'failed', status: 200, estimated: caller !== 'raw' });
      await at.closed;
    }
    await untilClear(governed);
    expect(await readUsed(governed)).toMatchObject({ requests: 3, slots: 0 });
    await expectNextCallServed();
  });
});

describe('an upstream that says more than its length', () => {
  it.each([
    ['a few bytes', ' and more'],
    ['a whole answer', `${HEAD}content-length: 6\r\nflyball-decision: forged\r\n\r\npoison`],
  ])('is heard up to its length, and never by the next call: %s', async (_name, surplus) => {
    for (const caller of CALLERS) {
      const { client, at } = await call(caller);
      await at.write(`${HEAD}content-length: 7\r\n\r\nexactly${surplus}`);
      expect((await client.answer()).body.toString()).toBe('exactly');
      await client.send(callOf('raw'));
      const next = await upstream.next();
      await next.write(`${HEAD}content-length: 4\r\n\r\nnext`);
      expect((await client.answer()).body.toString()).toBe('next');
    }
    await untilClear(governed);
  });
});

describe('an upstream that sends nonsense', () => {
  // A busy machine is silent for a moment too.
  beforeEach(async () => {
    await governed.close();
    await start({});
  });

  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}\n\ndata: [DONE]\n\n';

  it.each([
    ['a line of 10 MB', Buffer.from(`data: {"choices":[],"padding":"${'x'.repeat(10_000_000)}"}\n\n`)],
    [
      'cut JSON, no field, no UTF-8, no data',
      Buffer.from('data: {"choices":[{"delta":\n\nneither\n\n: \xff\xfe\n\ndata\n\n', 'latin1'),
    ],
    ['every kind of line end', Buffer.from(': a\r\r\n\n\ndata: {}\r\n\r\ndata: {}\r\rdata: {}\n\n')],
    ['a byte order mark', Buffer.from('\ufeff: a\n\n')],
    [
      'wrong usage',
      Buffer.from(
        'data: {"usage":{"prompt_tokens":-1}}\n\ndata: {"usage":{"prompt_tokens":1e999,"completion_tokens":"7"}}\n\ndata: {"usage":[1]}\n\n',
      ),
    ],
    ['nesting without end', Buffer.from(`data: ${'{"usage":['.repeat(10_000)}\n\n`)],
  ])('is passed on byte for byte, and its usage is found all the same: %s', async (_name, nonsense) => {
    const { client, at } = await call('openai', { stream: true });
    const body = Buffer.concat([Buffer.from(EVENT), nonsense, Buffer.from(EVENT)]);
    await at.write(STREAM_HEAD);
    for (const part of [`${body.length.toString(16)}\r\n`, body, '\r\n']) await at.write(part);
    await at.write(chunk(usage));
    await at.write('0\r\n\r\n');
    const answer = await client.answer();
    // The usage event was asked for by us.
    expect(answer.body.equals(Buffer.concat([body, Buffer.from('data: [DONE]\n\n')]))).toBe(true);
    const { settle } = await readRecord(governed, answer);
    expect(settle).toMatchObject({ outcome: 'ok', estimated: false, inputTokens: 11, outputTokens: 7 });
    expect((await readUsed(governed)).tokens).toBe(18);
  });

  it.each([
    ['huge', '{"prompt_tokens":1e300,"completion_tokens":1e300}'],
    ['negative', '{"prompt_tokens":-5,"completion_tokens":-5}'],
    ['fractions', '{"prompt_tokens":1.5,"completion_tokens":0.1}'],
    ['of another kind', '{"prompt_tokens":{},"completion_tokens":[]}'],
  ])('reports usage that no limit breaks on: %s', async (_name, reported) => {
    const { client, at } = await call('openai');
    const body = `{"usage":${reported}}`;
    await at.write(`${JSON_HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    expect((await client.answer()).body.toString()).toBe(body);
    await untilClear(governed);
    const { tokens } = await readUsed(governed);
    expect(Number.isSafeInteger(tokens)).toBe(true);
    expect(tokens).toBeGreaterThanOrEqual(0);
  });
});

describe('an answer costs no more than its bytes', () => {
  const BYTES = 2 * 1_024 * 1_024;
  const MAX_FACTOR = 20;
  const MAX_GROWTH_BYTES = 96 * 1_024 * 1_024;

  let sidecar: SidecarProcess;
  beforeEach(async () => {
    sidecar = await startSidecarProcess(ROOMY, { openai: `${upstream.url}/v1` });
  });
  afterEach(() => sidecar.close());

  /** Sends these bytes as the answer to a call and reads them all; what the sidecar used for it. */
  async function costOf(head: string, bytes: Buffer, stream: boolean): Promise<ProcessUse> {
    const before = await sidecar.measure();
    const { client, at } = await call('openai', {
      stream,
      port: sidecar.port,
      lines: ['Connection: close'],
    });
    const count = countBytes(client.socket);
    await at.write(head);
    await at.write(bytes);
    at.socket.end();
    await client.closed;
    expect(count.received).toBeGreaterThan(bytes.length / 8);
    const after = await sidecar.measure();
    return { ...after, cpuMicros: after.cpuMicros - before.cpuMicros };
  }

  const EVENTS_HEAD = `${HEAD}content-type: text/event-stream\r\nconnection: close\r\n\r\n`;
  const PLAIN_HEAD = `${JSON_HEAD}connection: close\r\n\r\n`;
  const fill = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(BYTES / text.length)));

  const HOSTILE: readonly (readonly [string, string, Buffer])[] = [
    ['one line without end', EVENTS_HEAD, fill('x')],
    ['nothing but line ends', EVENTS_HEAD, fill('\n')],
    ['nothing but empty data', EVENTS_HEAD, fill('data:\n\n')],
    ['usage in every event', EVENTS_HEAD, fill('data: {"usage":{"a":1}}\n')],
    ['usage that never closes', EVENTS_HEAD, fill('data: {"usage":{')],
    ['lines that name usage all over', EVENTS_HEAD, fill(`data: ${'"usage":'.repeat(1_000)}\n`)],
    [
      'text of nothing but escapes',
      EVENTS_HEAD,
      fill(`data: {"choices":[{"delta":{"content":"${'\\\\'.repeat(500)}${'\\"'.repeat(500)}"}}]}\n\n`),
    ],
    ['chunks of one byte', STREAM_HEAD, fill('1\r\nx\r\n')],
    ['brackets', PLAIN_HEAD, fill('[')],
    ['keys', PLAIN_HEAD, Buffer.concat([Buffer.from('{'), fill('"usage":{},')])],
    ['deep usage', PLAIN_HEAD, Buffer.concat([Buffer.from('{"usage":'), fill('{"usage":')])],
    ['quotes', PLAIN_HEAD, fill('"')],
    [
      'a gzip bomb',
      `${HEAD}content-type: application/json\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n`,
      gzipSync(Buffer.alloc(256 * 1_024 * 1_024), { level: 9 }),
    ],
  ];

  it('whatever they are', { timeout: 180_000 }, async ({ annotate }) => {
    const benign = fill(`${EVENT}`);
    await costOf(EVENTS_HEAD, benign, true);
    const normal: number[] = [];
    for (let i = 0; i < 3; i++)
      normal.push((await costOf(EVENTS_HEAD, benign, true)).cpuMicros / benign.length);
    const normalCost = median(normal);
    const { peakResidentBytes: normalPeakBytes } = await sidecar.measure();
    const worst = { name: '', factor: 0 };
    for (const [name, head, bytes] of HOSTILE) {
      const uses = [];
      for (let i = 0; i < 3; i++)
        uses.push((await costOf(head, bytes, head.includes('event-stream'))).cpuMicros / bytes.length);
      const factor = median(uses) / normalCost;
      await annotate(`${name}: ${factor.toFixed(1)} times a normal byte`);
      expect(factor, name).toBeLessThan(MAX_FACTOR);
      if (factor > worst.factor) Object.assign(worst, { name, factor });
    }
    const { peakResidentBytes } = await sidecar.measure();
    await annotate(
      `worst: ${worst.name}, ${worst.factor.toFixed(1)} times; peak memory grew from ${normalPeakBytes} by ${peakResidentBytes - normalPeakBytes} bytes`,
    );
    expect(peakResidentBytes - normalPeakBytes).toBeLessThan(MAX_GROWTH_BYTES);
    await untilNothingOpen(sidecar);
  });
});
