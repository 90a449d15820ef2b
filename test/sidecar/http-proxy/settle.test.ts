// What a call is charged in the end, whatever became of it. The judge is the provider's own meter.

import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { DEAD_UPSTREAM, type Governed, policyOf, startGoverned } from '../governed.ts';
import { readGauges, readRecord, readUsed, untilArrived, untilClear, untilHeld, untilOpen } from './books.ts';
import { chatBody } from './chat.ts';
import { chunk, createRawClients, headerOf, type RawClient, requestHead, requestOf } from './raw-client.ts';
import { createScriptedUpstream, everyUpstream, type ScriptedCall } from './scripted-upstream.ts';

// Windows so long that nothing comes back while a test runs.
const LIMITS = [
  '{name: requests, unit: Requests, rates: [{limit: 100, window: 744h}]}',
  '{name: tokens, unit: TotalTokens, rates: [{limit: 100k, window: 744h}]}',
  '{name: input, unit: InputTokens, rates: [{limit: 100k, window: 744h}]}',
  '{name: output, unit: OutputTokens, rates: [{limit: 100k, window: 744h}]}',
  '{name: dollars, unit: USD, rates: [{limit: "0.10", window: 744h}]}',
  '{name: slots, unit: Concurrency, max: 2}',
];
const NOTHING = { requests: 0, tokens: 0, input: 0, output: 0, dollars: 0, slots: 0 };
const REQUEST_ALONE = { ...NOTHING, requests: 1 };
const UNMETERED = [LIMITS[0] ?? '', LIMITS[5] ?? ''];

let governed: Governed;
afterEach(async () => governed.close());

const connect = createRawClients();

function open(): RawClient {
  return connect(governed.sidecar.port);
}

async function start(limits: readonly string[] = LIMITS, settings = {}): Promise<void> {
  governed = await startGoverned({
    policies: policyOf(limits),
    upstreams: { tools: '/tools' },
    settings: { grace: 0, ...settings },
  });
}

type Api = 'openai' | 'anthropic';

function bodyOf(api: Api, stream: boolean): string {
  const model = api === 'openai' ? 'gpt-5-mini' : 'claude-haiku-4-5';
  return JSON.stringify(chatBody({ model, stream, ...(api === 'anthropic' ? { max_tokens: 40 } : {}) }));
}

/** Starts a call that the provider handles as `settings` say. */
function send(
  api: Api,
  settings: Readonly<Record<string, string>>,
  { stream = false, signal }: { readonly stream?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const url =
    api === 'openai'
      ? `${governed.openaiBaseUrl}/chat/completions`
      : `${governed.anthropicBaseUrl}/v1/messages`;
  const provider = Object.entries(settings).map(([name, value]) => [`x-provider-${name}`, value]);
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...Object.fromEntries(provider) },
    body: bodyOf(api, stream),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The whole answer, or as much as came before it broke. */
async function readAll(response: Response): Promise<{ readonly text: string; readonly broke: boolean }> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true });
    return { text, broke: false };
  } catch {
    return { text, broke: true };
  }
}

/** Reads until the answer so far contains `text`. */
async function readUntil(response: Response, text: string): Promise<void> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let seen = '';
  while (!seen.includes(text)) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    if (done) throw new Error(`the answer ended without ${text}`);
    seen += decoder.decode(value, { stream: true });
  }
}

describe.each<Api>(['openai', 'anthropic'])('a call to %s', (api) => {
  it.each([
    ['plain', false, {}],
    ['streamed', true, {}],
    ['compressed', false, { encoding: 'gzip' }],
    ['streamed and compressed', true, { encoding: 'br' }],
    ['partly from the cache', true, { 'cache-read-tokens': '60', 'cache-write-tokens': '20' }],
  ])('is charged what the provider reports: %s', async (_name, stream, settings) => {
    // A compressed stream keeps no room for a usage event that was not asked for.
    await start();
    const response = await send(api, settings, { stream });
    expect([response.status, (await readAll(response)).broke]).toEqual([200, false]);
    await untilClear(governed);
    const billed = governed.provider.meter.total();
    expect(billed.outputTokens).toBeGreaterThan(0);
    expect(await readUsed(governed)).toMatchObject({
      requests: 1,
      output: billed.outputTokens,
      dollars: billed.costMicros,
      slots: 0,
    });
    const { settle } = await readRecord(governed, response);
    expect(settle).toMatchObject({
      outcome: 'ok',
      status: 200,
      estimated: false,
      inputTokens: billed.inputTokens,
      cacheReadTokens: billed.cacheReadTokens,
      outputTokens: billed.outputTokens,
    });
  });

  it.each([
    400, 404, 429, 500, 503, 529,
  ])('that the upstream answers %s costs the request alone', async (status) => {
    await start();
    const headers = JSON.stringify({ 'retry-after': '7', 'x-ratelimit-reset-tokens': '6m0s' });
    const response = await send(api, { status: String(status), headers });
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(response.headers.get('x-ratelimit-reset-tokens')).toBe('6m0s');
    expect(response.headers.get('flyball-origin')).toBe([429, 529].includes(status) ? 'upstream' : null);
    expect(await response.text()).toContain(`The mock was asked to answer ${status}.`);
    await untilClear(governed);
    expect(await readUsed(governed)).toEqual(REQUEST_ALONE);
    const { settle } = await readRecord(governed, response);
    expect(settle).toMatchObject({
      status,
      estimated: false,
      inputTokens: 0,
      outputTokens: 0,
      costMicros: 0,
    });
  });

  it.each([
    'abort',
    'reset',
  ])('that the upstream drops before its head (%s) costs the request alone', async (fault) => {
    await start();
    const response = await send(api, { fault });
    expect(response.status).toBe(502);
    expect(response.headers.get('flyball-reason')).toBe('UPSTREAM_BROKEN');
    await untilClear(governed);
    expect(await readUsed(governed)).toEqual(REQUEST_ALONE);
    const { settle } = await readRecord(governed, response);
    expect(settle).toMatchObject({ outcome: 'failed', estimated: false });
  });

  it('that never reached its upstream costs nothing', async () => {
    await start(LIMITS, { upstreams: new Map([[api, DEAD_UPSTREAM]]) });
    const response = await send(api, {});
    expect(response.status).toBe(502);
    expect(response.headers.get('flyball-reason')).toBe('UPSTREAM_UNREACHABLE');
    await untilClear(governed);
    expect(await readUsed(governed)).toEqual(NOTHING);
  });

  it('with an explicit usage of zero costs the request alone', async () => {
    await start();
    const response = await send(api, { usage: 'zero' });
    await readAll(response);
    await untilClear(governed);
    expect(governed.provider.meter.total().outputTokens).toBeGreaterThan(0);
    expect(await readUsed(governed)).toEqual(REQUEST_ALONE);
    const { settle } = await readRecord(governed, response);
    expect(settle).toMatchObject({ estimated: false, inputTokens: 0, outputTokens: 0 });
  });

  it.each([
    ['plain', false, {}, 'ok'],
    ['streamed', true, {}, 'ok'],
    ['broken in mid-stream', true, { fault: 'abort:9' }, 'failed'],
    ['reset in mid-stream', true, { fault: 'reset:9' }, 'failed'],
    ['broken in the middle of its body', false, { fault: 'abort:1' }, 'failed'],
  ])('without usage is charged the estimate, and says so: %s', async (_name, stream, faults, outcome) => {
    await start();
    const response = await send(api, { usage: 'none', ...faults }, { stream });
    const { broke } = await readAll(response);
    expect([response.status, broke]).toEqual([200, outcome === 'failed']);
    await untilClear(governed);
    const { settle } = await readRecord(governed, response);
    expect(settle).toMatchObject({ outcome, estimated: true });
    const used = await readUsed(governed);
    const billed = governed.provider.meter.total();
    expect(used).toMatchObject({ requests: 1, slots: 0 });
    // The first estimates of a model are wide, but none is nothing.
    expect(used.input).toBeGreaterThan(billed.inputTokens / 3);
    expect(used.input).toBeLessThan(billed.inputTokens * 3);
    expect(used.output).toBeGreaterThan(0);
    expect(used.output).toBeLessThan(100);
    expect(used.dollars).toBeGreaterThan(0);
    expect(used.tokens).toBe((used.input ?? 0) + (used.output ?? 0));
  });

  it('that its caller leaves in mid-stream ends at the upstream too, and is charged what was seen', async () => {
    await start();
    const leave = new AbortController();
    const response = await send(api, { 'event-delay-ms': '600000' }, { stream: true, signal: leave.signal });
    await readUntil(response, api === 'openai' ? 'data: ' : 'message_start');
    expect(await readGauges(governed)).toEqual([1, 0, 1]);
    leave.abort();
    await untilClear(governed);
    expect(governed.provider.meter.total()).toMatchObject({ calls: 1, cut: 1, completed: 0 });
    const { settle } = await readRecord(governed, response);
    expect(settle).toMatchObject({ outcome: 'aborted' });
    const used = await readUsed(governed);
    expect(used).toMatchObject({ requests: 1, slots: 0 });
    expect(used.input).toBeGreaterThan(0);
    // Nothing was generated; Anthropic's message_start reports one token.
    expect(used.output).toBeLessThanOrEqual(1);
  });

  it('that its caller leaves before the head ends at the upstream too, and is charged its input and the output to be expected', async () => {
    await start();
    const leave = new AbortController();
    const left = send(api, { 'think-ms': '600000' }, { signal: leave.signal }).catch(() => 'left');
    await untilArrived(governed, 1);
    expect(await readGauges(governed)).toEqual([1, 0, 1]);
    leave.abort();
    expect(await left).toBe('left');
    await untilClear(governed);
    expect(governed.provider.meter.total()).toMatchObject({ calls: 1, cut: 1 });
    const used = await readUsed(governed);
    expect(used).toMatchObject({ requests: 1, slots: 0 });
    expect(used.input).toBeGreaterThan(0);
    // A plain answer shows nothing before it is made, and may have been made.
    expect(used.output).toBeGreaterThan(0);
  });

  it('that its caller leaves while sending it was never a call', async () => {
    await start();
    const client = open();
    const path = api === 'openai' ? '/openai/v1/chat/completions' : '/anthropic/v1/messages';
    const request = requestOf(`POST ${path}`, bodyOf(api, false));
    await client.send(request.subarray(0, request.length / 2));
    await untilOpen(governed, 1);
    client.destroy();
    await untilOpen(governed, 0);
    await untilClear(governed);
    expect(governed.provider.meter.total().calls).toBe(0);
    expect(await readUsed(governed)).toEqual(NOTHING);
  });
});

describe('a call that is only counted', () => {
  const post = (path: string, init: RequestInit): Promise<Response> =>
    fetch(`${governed.url}/upstream/tools${path}`, { method: 'POST', ...init });

  it.each([
    ['an answer', {}, 200],
    ['an error', { 'x-provider-status': '500' }, 500],
    ['a broken connection', { 'x-provider-fault': 'reset' }, 502],
  ])('costs its request and gives its slot back: %s', async (_name, headers, status) => {
    await start(UNMETERED);
    const response = await post('/search', { headers, body: 'x'.repeat(100_000) });
    expect(response.status).toBe(status);
    await response.text();
    await untilClear(governed);
    expect(await readUsed(governed)).toEqual({ requests: 1, slots: 0 });
  });

  it.each([
    ['a body in one piece', `${chunk('body')}0\r\n\r\n`],
    ['a body that is still coming', chunk('body')],
  ])('gets an answer and costs nothing where its upstream is dead: %s', async (_name, body) => {
    await start(UNMETERED, { upstreams: new Map([['tools', DEAD_UPSTREAM]]) });
    const client = open();
    await client.send(requestHead('POST /upstream/tools/search', ['Transfer-Encoding: chunked']) + body);
    const answer = await client.answer();
    expect(answer.status).toBe(502);
    expect(headerOf(answer, 'flyball-reason')).toBe('UPSTREAM_UNREACHABLE');
    await untilClear(governed);
    expect(await readUsed(governed)).toEqual({ requests: 0, slots: 0 });
  });

  it.each<[string, (call: ScriptedCall) => void, number]>([
    ['answers', (call) => void call.write('HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok'), 201],
    ['breaks off', (call) => call.socket.resetAndDestroy(), 502],
  ])('costs its request where its upstream %s before it has the whole body', async (_how, act, status) => {
    const upstream = await createScriptedUpstream();
    onTestFinished(upstream.close);
    await start(UNMETERED, { upstreams: everyUpstream(upstream) });
    const client = open();
    await client.send(requestHead('POST /upstream/raw/x', ['Transfer-Encoding: chunked']) + chunk('first'));
    act(await upstream.next());
    expect((await client.answer()).status).toBe(status);
    await untilClear(governed);
    expect(await readUsed(governed)).toEqual({ requests: 1, slots: 0 });
  });

  it('that its caller leaves while sending the body ends at the upstream too, and costs its request', async () => {
    await start(UNMETERED);
    const client = open();
    await client.send(`${requestHead('POST /upstream/tools/search', ['Content-Length: 100'])}half`);
    await untilArrived(governed, 1);
    client.destroy();
    await untilClear(governed);
    expect(governed.provider.meter.total()).toMatchObject({ calls: 1, cut: 1 });
    expect(await readUsed(governed)).toEqual({ requests: 1, slots: 0 });
  });
});

describe('slots', () => {
  const ONE_SLOT = [
    LIMITS[0] ?? '',
    '{name: slots, unit: Concurrency, max: 1, onLimit: {action: Hold, maxWait: 30s}}',
  ];

  it('go to the call that is held when the one before it ends', async () => {
    await start(ONE_SLOT);
    const first = send(
      'openai',
      { 'event-delay-ms': '600000' },
      { stream: true, signal: AbortSignal.timeout(50_000) },
    );
    const leave = await first;
    const second = send('openai', {});
    await untilHeld(governed, 1);
    expect(governed.provider.meter.total().calls).toBe(1);
    const freedMs = performance.now();
    await leave.body?.cancel();
    const response = await second;
    expect(response.status).toBe(200);
    // At once, and not when somebody happens to look.
    expect(performance.now() - freedMs).toBeLessThan(2_500);
    await response.text();
    const { decision } = await readRecord(governed, response);
    expect(decision.outcome).toBe('hold');
    expect(decision.heldMs).toBeGreaterThan(0);
    await untilClear(governed);
    expect(governed.provider.meter.report().peakOpenCalls).toBe(1);
    expect(await readUsed(governed)).toEqual({ requests: 2, slots: 0 });
  });

  it('are not lost on a held call whose caller has left', async () => {
    await start(ONE_SLOT);
    const first = await send('openai', { 'event-delay-ms': '600000' }, { stream: true });
    const leave = new AbortController();
    const gone = send('openai', {}, { signal: leave.signal }).catch(() => 'left');
    await untilHeld(governed, 1);
    const last = send('openai', {});
    await untilHeld(governed, 2);
    leave.abort();
    expect(await gone).toBe('left');
    await untilHeld(governed, 1);
    await first.body?.cancel();
    const response = await last;
    expect(response.status).toBe(200);
    await response.text();
    await untilClear(governed);
    expect(governed.provider.meter.total().calls).toBe(2);
    expect(await readUsed(governed)).toEqual({ requests: 2, slots: 0 });
  });

  it('of pipelined calls come back when their connection breaks', async () => {
    await start([LIMITS[0] ?? '', '{name: slots, unit: Concurrency, max: 10}']);
    const client = open();
    const one = requestOf('POST /openai/v1/chat/completions', bodyOf('openai', true), [
      'x-provider-event-delay-ms: 600000',
    ]);
    await client.send(Buffer.concat([one, one, one]));
    await untilArrived(governed, 3);
    expect(await readGauges(governed)).toEqual([3, 0, 3]);
    client.destroy();
    await untilClear(governed);
    await untilOpen(governed, 0);
  });
});

describe('a success', () => {
  it('says how its limits stand, and warns when they are nearly used', async () => {
    await start(['{name: r, unit: Requests, rates: [{limit: 5, window: 744h}], warnAt: [80]}']);
    for (const used of [20, 40, 60, 80, 100]) {
      const response = await send('openai', {});
      await response.text();
      expect(response.headers.get('ratelimit-policy')).toBe('"test/r";q=5;qu="requests";w=2678400');
      expect(response.headers.get('ratelimit')).toMatch(new RegExp(`^"test/r";r=${5 - used / 20};t=\\d+$`));
      expect(response.headers.get('flyball-warning')).toBe(used < 80 ? null : `"test/r";used=${used}`);
    }
    expect((await send('openai', {})).status).toBe(429);
  });
});
