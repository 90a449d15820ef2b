// Stopping: held calls are refused, open ones may end, what does not end in time is ended and settled.

import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseLedgerLine } from '../../../sidecar/ledger-line.ts';
import type { SidecarSettings } from '../../../sidecar/settings.ts';
import { createFolder, type Folder } from '../../folder.ts';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { startSidecarProcess } from '../sidecar-process.ts';
import { until } from '../until.ts';
import { untilHeld, untilOpen } from './books.ts';
import { chatBody } from './chat.ts';
import { chunk, createRawClients, headerOf, type RawClient, requestHead, requestOf } from './raw-client.ts';
import {
  createScriptedUpstream,
  everyUpstream,
  type ScriptedCall,
  type ScriptedUpstream,
  STREAM_HEAD,
} from './scripted-upstream.ts';

const LIMITS = policyOf([
  '{name: tokens, unit: TotalTokens, rates: [{limit: 100k, window: 744h}]}',
  '{name: slots, unit: Concurrency, max: 2, onLimit: {action: Hold, maxWait: 60s}}',
]);
const CHAT = 'POST /openai/v1/chat/completions';
const EVENT = 'data: {"choices":[{"index":0,"delta":{"content":"one two three"}}]}\n\n';
const DONE = 'data: [DONE]\n\n';

let upstream: ScriptedUpstream;
let governed: Governed;
let folder: Folder;

beforeEach(async () => {
  folder = createFolder();
  upstream = await createScriptedUpstream();
});
afterEach(async () => {
  await governed.close();
  await upstream.close();
  folder.remove();
});

const connect = createRawClients();

function open(): RawClient {
  return connect(governed.sidecar.port);
}

async function start(settings: Partial<SidecarSettings>): Promise<void> {
  governed = await startGoverned({
    policies: LIMITS,
    settings: { upstreams: everyUpstream(upstream), decisionLog: folder.pathOf('ledger'), ...settings },
  });
}

async function ask(client: RawClient): Promise<void> {
  await client.send(requestOf(CHAT, JSON.stringify(chatBody({ stream: true }))));
}

/** A call that has got its first event. */
async function openStream(
  port = governed.sidecar.port,
): Promise<{ readonly client: RawClient; readonly call: ScriptedCall }> {
  const client = connect(port);
  await ask(client);
  const call = await upstream.next();
  await call.write(STREAM_HEAD + chunk(EVENT));
  await client.until(EVENT);
  return { client, call };
}

/** What the ledger's file says about every call in the end: `allow aborted`, `deny`, … in the order of decisions. */
async function readEnds(): Promise<readonly string[]> {
  const lines = (await readFile(folder.pathOf('ledger'), 'utf8')).split('\n').map(parseLedgerLine);
  const ends = new Map<string, string>();
  for (const line of lines) {
    if (line !== undefined) ends.set(line.id, `${ends.get(line.id) ?? ''} ${line.outcome}`.trim());
  }
  return [...ends.values()];
}

describe('a sidecar that stops', () => {
  it('refuses what it holds and what comes, and lets open streams end', async () => {
    await start({ grace: 30_000 });
    const idle = open();
    await idle.send(requestHead('GET /v1/limits'));
    await idle.answer();
    const first = await openStream();
    const second = await openStream();
    const held = open();
    await ask(held);
    await untilHeld(governed, 1);

    const closed = governed.sidecar.close();
    const refused = await held.answer();
    expect([refused.status, headerOf(refused, 'flyball-reason')]).toEqual([503, 'SHUTTING_DOWN']);
    expect(Number(headerOf(refused, 'retry-after'))).toBeGreaterThanOrEqual(1);
    await idle.closed;
    const late = open();
    await late.closed;
    expect(late.text()).toBe('');
    const ready = await fetch(`http://127.0.0.1:${governed.sidecar.healthPort}/readyz`);
    expect(ready.status).toBe(503);

    await first.call.write(chunk(EVENT) + chunk(DONE));
    await first.call.write('0\r\n\r\n');
    expect((await first.client.answer()).body.toString()).toBe(EVENT + EVENT + DONE);
    // Its connection takes no further call: it is closed or answers that the sidecar stops.
    await ask(first.client);
    const further = await first.client.answer().catch(() => undefined);
    if (further !== undefined) expect(further.status).toBe(503);
    await second.call.write(`${chunk(DONE)}0\r\n\r\n`);
    expect((await second.client.answer()).body.toString()).toBe(EVENT + DONE);
    await closed;
    expect(upstream.calls).toBe(2);
    expect((await readEnds()).filter((end) => end.startsWith('allow'))).toEqual(['allow ok', 'allow ok']);
    expect(governed.sidecar.openCalls).toBe(0);
  });

  it('ends what outlives its grace, and settles it with what was seen', async () => {
    await start({ grace: 50 });
    const { client, call } = await openStream();
    const body = open();
    await body.send(`${requestHead('POST /upstream/raw/x', ['Content-Length: 100'])}half`);
    await upstream.next();
    await governed.sidecar.close();
    await client.closed;
    expect(client.text().endsWith(chunk(EVENT))).toBe(true);
    await body.closed;
    await call.closed;
    expect(await readEnds()).toEqual(['allow aborted', 'allow aborted']);
    const lines = (await readFile(folder.pathOf('ledger'), 'utf8')).split('\n').map(parseLedgerLine);
    const settled = lines.find((line) => line?.event === 'settle' && line.inputTokens > 0);
    expect(settled).toMatchObject({ estimated: true, outputTokens: Math.ceil('one two three'.length / 3) });
    const [totals] = governed.sidecar.usage().filter(({ upstream: name }) => name === 'openai');
    expect(totals).toMatchObject({ admitted: 1, outputTokens: 5 });
  });

  it('does not wait for connections that only exist', async () => {
    await start({ grace: 30_000 });
    const silent = open();
    await silent.send('GET /v1/lim');
    const half = open();
    await half.send(`${requestHead(CHAT, ['Content-Length: 9'])}{`);
    await untilOpen(governed, 1);
    half.destroy();
    const switching = connect(governed.sidecar.port, { staysOpen: true });
    await switching.send(requestHead('GET /', ['Connection: upgrade', 'Upgrade: websocket']));
    expect((await switching.answer()).status).toBe(400);
    await governed.sidecar.close();
    await silent.closed;
    expect(upstream.calls).toBe(0);
  });
});

describe('the process', () => {
  it('exits by itself after SIGTERM, once its streams have ended', async () => {
    await start({});
    const process = await startSidecarProcess(LIMITS, { openai: `${upstream.url}/v1` }, { grace: 30_000 });
    const { client, call } = await openStream(process.port);
    process.terminate();
    await until(
      () =>
        fetch(process.url).then(
          () => 'open',
          () => 'refused',
        ),
      (state) => state === 'refused',
    );
    await call.write(`${chunk(DONE)}0\r\n\r\n`);
    expect((await client.answer()).body.toString()).toBe(EVENT + DONE);
    expect(await process.exited).toBe(0);
  });

  it('exits after its grace, whatever is open', async () => {
    await start({});
    const process = await startSidecarProcess(LIMITS, { openai: `${upstream.url}/v1` }, { grace: 100 });
    const { client } = await openStream(process.port);
    expect(await process.close()).toBe(0);
    await client.closed;
  });
});
