// What a hostile caller can make the sidecar spend: CPU time against that of a normal call of as many bytes, and memory.

import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProvider, type Provider } from '../../../examples/provider/provider.ts';
import { median } from '../../median.ts';
import { policyOf } from '../governed.ts';
import { type SidecarProcess, startSidecarProcess } from '../sidecar-process.ts';
import { untilNothingOpen } from './books.ts';
import { createRawClients, requestHead, requestOf } from './raw-client.ts';

/** The promise is 20; less is asserted, so that it holds on other machines too. */
const MAX_FACTOR = 15;
const MAX_GROWTH_BYTES = 128 * 1_024 * 1_024;
const MIB = 1_024 * 1_024;
const LARGE_BYTES = MIB / 4;

const POLICIES = policyOf([
  '{name: requests, per: [user], unit: Requests, rates: [{limit: 1M, window: 1h}]}',
  '{name: tokens, unit: TotalTokens, rates: [{limit: 100G, window: 1h}], match: {kinds: [LLM]}}',
  '{name: none, match: {models: [forbidden]}, unit: Requests, rates: [{limit: 0, window: 1h}]}',
]);

let provider: Provider;
let sidecar: SidecarProcess;
beforeEach(async () => {
  normalCosts = new Map();
  provider = await createProvider();
  sidecar = await startSidecarProcess(POLICIES, {
    openai: provider.openaiBaseUrl,
    tools: `${provider.url}/tools`,
  });
});
afterEach(async () => {
  await sidecar.close();
  await provider.close();
});

const connect = createRawClients();

const CHAT = 'POST /openai/v1/chat/completions';

function head(line: string, lines: readonly string[]): string {
  return requestHead(line, ['Connection: close', ...lines]);
}

function chat(body: Buffer | string, lines: readonly string[] = []): Buffer {
  return requestOf(CHAT, body, ['Connection: close', ...lines]);
}

function chunked(line: string, chunks: string): Buffer {
  return Buffer.from(`${head(line, ['Transfer-Encoding: chunked'])}${chunks}0\r\n\r\n`);
}

/** A plain call of about so many bytes. */
function normalCall(bytes: number): Buffer {
  const words = 'Tell me about governors of steam engines, in a few plain words. ';
  const content = words.repeat(Math.max(1, Math.round((bytes - 250) / words.length)));
  return chat(JSON.stringify({ model: 'gpt-5-mini', max_tokens: 20, messages: [{ role: 'user', content }] }));
}

function body(inner: string): Buffer {
  return chat(`{"model":"gpt-5-mini","max_tokens":20,"messages":[{"role":"user","content":"hi"}],${inner}}`);
}

function fill(text: string, bytes: number): string {
  return text.repeat(Math.ceil(bytes / text.length));
}

/** Microseconds of CPU that one such request costs the sidecar, each on a connection of its own. */
async function costOf(request: Buffer, times: number): Promise<number> {
  const before = await sidecar.measure();
  for (let i = 0; i < times; i++) {
    const client = connect(sidecar.port);
    void client.send(request);
    expect((await client.answer()).status).toBeGreaterThanOrEqual(200);
    client.destroy();
  }
  return ((await sidecar.measure()).cpuMicros - before.cpuMicros) / times;
}

let normalCosts: Map<number, number>;

/** What a normal call of about so many bytes costs; sizes within a fifth of each other are taken together. */
async function normalCost(bytes: number, times: number): Promise<number> {
  const size = Math.round(Math.log(bytes) * 5);
  const known = normalCosts.get(size);
  if (known !== undefined) return known;
  const costs: number[] = [];
  for (let i = 0; i < 3; i++) costs.push(await costOf(normalCall(bytes), times));
  normalCosts.set(size, median(costs));
  return median(costs);
}

type Hostile = readonly [name: string, request: Buffer];

const LARGE: readonly Hostile[] = [
  ['open brackets', chat(fill('[', LARGE_BYTES))],
  ['brackets inside', body(`"metadata":${fill('[', LARGE_BYTES)}`)],
  ['empty arrays', body(`"metadata":[${fill('[],', LARGE_BYTES)}0]`)],
  ['20,000 keys', body(`"metadata":{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join(',')}}`)],
  ['one key again and again', body(`"metadata":{${fill('"model":"x",', LARGE_BYTES)}"a":0}`)],
  ['keys in disguise', body(`"metadata":{${fill('"\\u006dodel":"x",', LARGE_BYTES)}"a":0}`)],
  ['unknown fields', chat(`{${fill('"a":0,', LARGE_BYTES)}"model":"m"}`)],
  ['messages without content', chat(`{"model":"m","messages":[${fill('{},', LARGE_BYTES)}{}]}`)],
  [
    'content in 15,000 parts',
    chat(`{"model":"m","messages":[{"content":[${fill('{"type":"text"},', LARGE_BYTES)}{}]}]}`),
  ],
  ['90,000 tools', chat(`{"model":"m","messages":[],"tools":[${fill('{},', LARGE_BYTES)}{}]}`)],
  ['escapes', chat(`{"model":"m","messages":[{"content":"${fill('\\u0041', LARGE_BYTES)}"}]}`)],
  ['backslashes', chat(`{"model":"m","messages":[{"content":"${fill('\\\\', LARGE_BYTES)}"}]}`)],
  ['escaped quotes', chat(`{"model":"m","messages":[{"content":"${fill('\\"', LARGE_BYTES)}"}]}`)],
  ['a string without end', chat(`{"model":"${fill('x', LARGE_BYTES)}`)],
  ['backslashes without end', chat(`{"a":"${fill('\\', LARGE_BYTES)}`)],
  [
    'other alphabets',
    chat(`{"model":"m","messages":[{"content":"${fill('\u4e2d\u{1f600}', LARGE_BYTES)}"}]}`),
  ],
  ['white space', chat(fill(' ', LARGE_BYTES))],
  ['one number', chat(`{"a":${fill('1', LARGE_BYTES)}}`)],
  ['zeros', chat(Buffer.alloc(LARGE_BYTES))],
  [
    'broken at its end',
    chat(
      `${JSON.stringify({ model: 'm', messages: [{ content: fill('word ', LARGE_BYTES) }] }).slice(0, -1)}`,
    ),
  ],
  [
    'data URLs',
    chat(`{"model":"m","messages":[{"content":"${fill('data:image/png;base64,AAAA ', LARGE_BYTES)}"}]}`),
  ],
  ['chunks of one byte', chunked(CHAT, fill('1\r\n \r\n', LARGE_BYTES))],
  ['chunks of one byte to a tool', chunked('POST /upstream/tools/search', fill('1\r\n \r\n', LARGE_BYTES))],
  ['chunk extensions', chunked(CHAT, fill(`1;${'x'.repeat(1_000)}\r\n \r\n`, LARGE_BYTES))],
];

const HUGE: readonly Hostile[] = [
  [
    '1,000,000 keys',
    body(`"metadata":{${Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":0`).join(',')}}`),
  ],
  ['5,000,000 deep and closed', chat(`${fill('[', 5 * MIB)}${fill(']', 5 * MIB)}`)],
];

const MEDIUM: readonly Hostile[] = [
  ['a gzip bomb', chat(gzipSync(Buffer.alloc(32 * MIB)), ['Content-Encoding: gzip'])],
  [
    'a gzip bomb that is just allowed',
    chat(gzipSync(Buffer.alloc(MIB, '{"a":[[[1]]]}')), ['Content-Encoding: gzip']),
  ],
  [
    'a brotli bomb',
    chat(Buffer.concat([brotliCompressSync(Buffer.alloc(32 * MIB)), Buffer.alloc(8_000)]), [
      'Content-Encoding: br',
    ]),
  ],
  [
    'a zstd bomb',
    chat(Buffer.concat([zstdCompressSync(Buffer.alloc(32 * MIB)), Buffer.alloc(8_000)]), [
      'Content-Encoding: zstd',
    ]),
  ],
  ['one long header', Buffer.from(head('GET /upstream/tools/a', [`X: ${fill('x', 15_000)}`]))],
  [
    'the most headers',
    Buffer.from(
      head(
        'GET /upstream/tools/a',
        Array.from({ length: 195 }, (_, i) => `x-${i}: ${'x'.repeat(60)}`),
      ),
    ),
  ],
  [
    'too many headers',
    Buffer.from(
      head(
        'GET /upstream/tools/a',
        Array.from({ length: 3_500 }, () => 'a:'),
      ),
    ),
  ],
  [
    'headers that name headers',
    Buffer.from(
      head(
        'GET /upstream/tools/a',
        Array.from({ length: 190 }, () => `Connection: ${fill('a,', 60)}`),
      ),
    ),
  ],
  [
    'commas in baggage',
    Buffer.from(head('GET /upstream/tools/a', [`baggage: ${fill('flyball.a=1,', 15_000)}`])),
  ],
  ['a path of many names', Buffer.from(head(`GET /upstream/tools/${fill('a/', 8_000)}`, []))],
  ['a path of escapes', Buffer.from(head(`GET /upstream/tools/${fill('%C3%A9', 8_000)}`, []))],
  ['a path of dots', Buffer.from(head(`GET /upstream/tools${fill('/.a', 8_000)}/..`, []))],
  [
    'ids without end',
    Buffer.from(
      head('GET /upstream/tools/a', [
        `flyball-user: ${fill('u', 7_000)}`,
        `x-session-id: ${fill('s', 7_000)}`,
      ]),
    ),
  ],
];

const SMALL: readonly Hostile[] = [
  ['garbage', Buffer.from('\x16\x03\x01garbage\r\n\r\n')],
  ['a foreign host', Buffer.from('GET / HTTP/1.1\r\nHost: evil.com\r\nConnection: close\r\n\r\n')],
  ['a tunnel', Buffer.from('CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com\r\n\r\n')],
  [
    'a WebSocket',
    Buffer.from(head('GET /openai/v1/realtime', ['Connection: upgrade', 'Upgrade: websocket'])),
  ],
  ['two lengths', Buffer.from(head(CHAT, ['Content-Length: 2', 'Content-Length: 3']))],
  ['two users', Buffer.from(head('GET /upstream/tools/a', ['flyball-user: a', 'flyball-user: b']))],
  ['a length of 200 MB', Buffer.from(head(CHAT, [`Content-Length: ${200 * MIB}`, 'Expect: 100-continue']))],
  ['a forbidden model', chat('{"model":"forbidden","messages":[]}')],
  ['broken JSON', chat('{')],
  ['its own limits', Buffer.from(head('GET /v1/limits', []))],
  ['an unknown path', Buffer.from(head('GET /nothing', []))],
  ['an unknown upstream', Buffer.from(head('GET /upstream/nothing/a', []))],
];

describe(`no request costs ${MAX_FACTOR} times a normal one of as many bytes`, () => {
  it.for([
    ['10 MB', HUGE, 1],
    ['256 KB', LARGE, 1],
    ['16 KB', MEDIUM, 6],
    ['200 bytes', SMALL, 20],
  ] as const)('of about %s', { timeout: 180_000 }, async ([, requests, times], { annotate }) => {
    // What has run before is cheaper.
    await costOf(normalCall(LARGE_BYTES), 10);
    await costOf(normalCall(200), 30);
    const { peakResidentBytes: normalPeakBytes } = await sidecar.measure();
    const lines: string[] = [];
    for (const [name, request] of requests) {
      const costs: number[] = [];
      for (let i = 0; i < 3; i++) costs.push(await costOf(request, times));
      const factor = median(costs) / (await normalCost(request.length, times));
      lines.push(`${name}: ${factor.toFixed(2)}`);
      expect(factor, name).toBeLessThan(MAX_FACTOR);
    }
    const { peakResidentBytes } = await sidecar.measure();
    await annotate(
      `${lines.join(', ')}; peak memory +${Math.round((peakResidentBytes - normalPeakBytes) / MIB)} MiB`,
    );
    expect(peakResidentBytes - normalPeakBytes).toBeLessThan(MAX_GROWTH_BYTES);
    await untilNothingOpen(sidecar);
  });
});

describe('memory', () => {
  const MAX_BODY_GROWTH_BYTES = 32 * MIB;

  it.for([
    ['with its length', `Content-Length: ${200 * MIB}`, Buffer.alloc(MIB, ' ')],
    ['in chunks', 'Transfer-Encoding: chunked', Buffer.from(`100000\r\n${' '.repeat(MIB)}\r\n`)],
  ] as const)('is not filled by a body of 200 MB: %s', async ([, framing, piece], { annotate }) => {
    await costOf(normalCall(LARGE_BYTES), 10);
    const { peakResidentBytes: before } = await sidecar.measure();
    const client = connect(sidecar.port);
    await client.send(head(CHAT, [framing]));
    while (!client.socket.destroyed && client.socket.bytesWritten < 200 * MIB) await client.send(piece);
    expect(client.text()).toContain('flyball-reason: BODY_TOO_LARGE');
    const { peakResidentBytes: after } = await sidecar.measure();
    await annotate(`peak memory +${Math.round((after - before) / MIB)} MiB`);
    // What is read before it is known to be too large, and room for the collector.
    expect(after - before).toBeLessThan(2 * 32 * MIB + MAX_BODY_GROWTH_BYTES);
  });

  it('is filled by a body in pieces of one byte no more than by its bytes', { timeout: 180_000 }, async ({
    annotate,
  }) => {
    await costOf(chunked(CHAT, fill('1\r\n \r\n', 6 * LARGE_BYTES)), 1);
    const { peakResidentBytes: before } = await sidecar.measure();
    // 2 MB of white space, which is no JSON in the end.
    await costOf(chunked(CHAT, fill('1\r\n \r\n', 12 * MIB)), 1);
    const { peakResidentBytes: after } = await sidecar.measure();
    await annotate(`peak memory +${Math.round((after - before) / MIB)} MiB`);
    expect(after - before).toBeLessThan(MAX_BODY_GROWTH_BYTES);
    expect(provider.meter.total().calls).toBe(0);
  });
});
