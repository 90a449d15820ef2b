// Calls that end without an answer of their upstream: the caller left while it was held, or the upstream failed.

import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../sidecar/ledger.ts';
import type { SidecarSettings } from '../../../sidecar/settings.ts';
import { flyball } from '../../cli/flyball.ts';
import { createFolder } from '../../folder.ts';
import { DEAD_UPSTREAM, type Governed, policyOf, startGoverned } from '../governed.ts';
import { readEntry, readMetric, untilHeld } from './books.ts';
import { createRawClients, headerOf, type RawClient, requestHead } from './raw-client.ts';
import { createScriptedUpstream, everyUpstream, type ScriptedUpstream } from './scripted-upstream.ts';

const LIMITS = policyOf(['{name: slots, unit: Concurrency, max: 1, onLimit: {action: Hold, maxWait: 60s}}']);

let upstream: ScriptedUpstream;
let governed: Governed;
beforeEach(async () => {
  upstream = await createScriptedUpstream();
});
afterEach(async () => {
  await governed.close();
  await upstream.close();
});

const connect = createRawClients();

async function start(settings: Partial<SidecarSettings> = {}): Promise<void> {
  governed = await startGoverned({
    policies: LIMITS,
    settings: { upstreams: everyUpstream(upstream), grace: 0, ...settings },
  });
}

async function ask(): Promise<RawClient> {
  const client = connect(governed.sidecar.port);
  await client.send(requestHead('GET /upstream/raw/x'));
  return client;
}

describe('a held call whose caller leaves', () => {
  it('is one decision: aborted, in the ledger and in the metrics', async () => {
    const folder = createFolder();
    const decisionLog = folder.pathOf('decisions.jsonl');
    await start({ decisionLog });
    await ask();
    await upstream.next();
    const held = await ask();
    await untilHeld(governed, 1);
    held.destroy();
    await untilHeld(governed, 0);
    expect(await governed.metrics()).toMatch(/^flyball_hold_seconds_count\{outcome="aborted"\} 1\b/m);
    expect(await readMetric(governed, 'flyball_decisions_total', { outcome: 'aborted' })).toBe(1);
    expect(await readMetric(governed, 'flyball_decisions_total')).toBe(2);
    expect(governed.sidecar.usage()).toMatchObject([{ admitted: 1, held: 0, refused: 0 }]);
    await governed.sidecar.close();
    const lines = (await readFile(decisionLog, 'utf8')).trim().split('\n');
    const [aborted] = lines.filter(
      (line) => line.includes('"event":"decision","id"') && line.includes('"outcome":"aborted"'),
    );
    const { id } = JSON.parse(aborted ?? '{}') as LedgerEntry['decision']; // Written by the sidecar above.
    expect(JSON.parse(aborted ?? '{}')).toMatchObject({ class: '', reason: '', upstream: 'raw', limits: [] });
    const explained = await flyball(['explain', id, '--from', decisionLog]);
    expect(explained.out).toContain('HTTP call to raw x: held until its caller left\n');
    expect(explained.out).toContain('not executed, charged nowhere\n');
    folder.remove();
  });
});

describe('an upstream that fails', () => {
  const fails: readonly {
    readonly how: string;
    readonly label: string;
    readonly settle: Partial<LedgerEntry['settle']>;
    readonly settings?: Partial<SidecarSettings>;
    act(): Promise<void>;
  }[] = [
    {
      how: 'is not there',
      label: 'unreachable',
      settle: { status: 502, reason: 'UPSTREAM_UNREACHABLE', origin: 'flyball' },
      settings: { upstreams: everyUpstream({ url: DEAD_UPSTREAM.origin }) },
      act: async () => undefined,
    },
    {
      how: 'does not answer in time',
      label: 'timeout',
      settle: { status: 504, reason: 'UPSTREAM_TIMEOUT', origin: 'flyball' },
      settings: { upstreamTimeout: 50 },
      act: async () => undefined,
    },
    {
      how: 'breaks off before its answer',
      label: 'broken',
      settle: { status: 502, reason: 'UPSTREAM_BROKEN', origin: 'flyball' },
      act: async () => {
        (await upstream.next()).socket.destroy();
      },
    },
    {
      how: 'breaks off within its answer',
      label: 'broken',
      settle: { status: 200, reason: 'UPSTREAM_BROKEN', origin: 'upstream' },
      act: async () => {
        const call = await upstream.next();
        await call.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc');
        call.socket.destroy();
      },
    },
    {
      how: 'falls silent within its answer',
      label: 'timeout',
      settle: { status: 200, reason: 'UPSTREAM_TIMEOUT', origin: 'upstream' },
      settings: { streamTimeout: 50 },
      act: async () => {
        await (await upstream.next()).write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc');
      },
    },
  ];

  it.each(fails)('and $how is recorded with what its caller got', async ({
    label,
    settle,
    settings,
    act,
  }) => {
    await start(settings ?? {});
    const client = await ask();
    await act();
    const text = await client.until('\r\n\r\n');
    const id = /flyball-decision: (\S+)/i.exec(text)?.[1] ?? '';
    expect(text.startsWith(`HTTP/1.1 ${settle?.status}`)).toBe(true);
    expect((await readEntry(governed, id)).settle).toMatchObject({ outcome: 'failed', ...settle });
    const failures = 'flyball_upstream_failures_total';
    expect(await readMetric(governed, failures)).toBe(1);
    expect(await readMetric(governed, failures, { upstream: 'raw', reason: label })).toBe(1);
    expect(
      await readMetric(governed, 'flyball_calls_total', { status: `${String(settle?.status)[0]}xx` }),
    ).toBe(1);
    const explained = await flyball(['explain', id, '--url', governed.url]);
    expect(explained.out).toContain(`ended failed with status ${settle?.status} (${settle?.reason}) after `);
  });
});

describe('a sidecar that stops', () => {
  it('tells callers on different connections different waits of 1 to 5 s', async () => {
    await start();
    await ask();
    await upstream.next();
    const held = [await ask(), await ask(), await ask(), await ask()];
    await untilHeld(governed, held.length);
    const closed = governed.sidecar.close();
    const waits = await Promise.all(
      held.map(async (client) => Number(headerOf(await client.answer(), 'retry-after-ms'))),
    );
    await closed;
    expect(new Set(waits).size).toBe(held.length);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(5_000);
  });
});
