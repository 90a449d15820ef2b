// Policies that change while calls go through, read from a directory as `flyball run --policies` does.

import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPolicyDirectory } from '../../../sidecar/policy-directory.ts';
import type { PolicyLoad } from '../../../sidecar/policy-source.ts';
import { createFolder, type Folder } from '../../folder.ts';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { until } from '../until.ts';
import { readLimits, readMetric, readUsed, untilArrived, untilHeld } from './books.ts';

let folder: Folder;
let governed: Governed;
let changes: { readonly load: PolicyLoad; readonly revision: number }[];

beforeEach(() => {
  folder = createFolder();
  changes = [];
});
afterEach(async () => {
  await governed.close();
  folder.remove();
});

function limitOf(limit: number, more = ''): string {
  return policyOf([
    `{name: r, unit: Requests, rates: [{limit: ${limit}, window: 744h}], onLimit: {action: Deny}${more}}`,
  ]);
}

async function write(name: string, text: string): Promise<void> {
  // Written beside and moved, as careful editors do.
  await writeFile(folder.pathOf(`.${name}`), text);
  await rename(folder.pathOf(`.${name}`), folder.pathOf(name));
}

async function start(): Promise<void> {
  governed = await startGoverned({
    policies: createPolicyDirectory(folder.path),
    policiesChanged: (load, revision) => changes.push({ load, revision }),
    upstreams: { tools: '/tools' },
  });
}

async function ask(): Promise<number> {
  const response = await fetch(`${governed.url}/upstream/tools/search`);
  await response.arrayBuffer();
  return response.status;
}

async function untilChanged(count: number): Promise<PolicyLoad | undefined> {
  await until(
    () => changes.length,
    (seen) => seen >= count,
  );
  expect(changes).toHaveLength(count);
  return changes.at(-1)?.load;
}

describe('a changed directory', () => {
  it('changes the numbers and keeps what was used', async () => {
    await write('a.yaml', limitOf(2));
    await start();
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
    await write('a.yaml', limitOf(5));
    await untilChanged(2);
    expect(await readUsed(governed)).toEqual({ r: 2 });
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual([200, 200, 200, 429]);
    await write('a.yaml', limitOf(3));
    await untilChanged(3);
    expect((await readLimits(governed)).revision).toBe(3);
    expect(await readUsed(governed)).toEqual({ r: 5 });
    expect(await ask()).toBe(429);
    expect(await readMetric(governed, 'flyball_policy_revision', { policy: 'default/test' })).toBe(3);
    expect(governed.provider.meter.total().calls).toBe(5);
  });

  it('decides calls that are held by the new numbers', async () => {
    const slots = (max: number): string =>
      policyOf([`{name: slots, unit: Concurrency, max: ${max}, onLimit: {action: Hold, maxWait: 60s}}`]);
    await write('a.yaml', slots(1));
    await start();
    const leave = new AbortController();
    const stalled = fetch(`${governed.url}/upstream/tools/search`, {
      headers: { 'x-provider-think-ms': '600000' },
      signal: leave.signal,
    }).catch(() => undefined);
    await untilArrived(governed, 1);
    const held = ask();
    await untilHeld(governed, 1);
    await write('a.yaml', slots(2));
    await untilChanged(2);
    expect(await held).toBe(200);
    leave.abort();
    await stalled;
  });

  it('is the sum of its files, which may come and go', async () => {
    await write('a.yaml', limitOf(100));
    await start();
    await write(
      'b.json',
      JSON.stringify({
        apiVersion: 'flyball.dev/v1alpha1',
        kind: 'RateLimitPolicy',
        metadata: { name: 'other' },
        spec: {
          limits: [
            {
              name: 's',
              unit: 'Requests',
              rates: [{ limit: 1, window: '744h' }],
              onLimit: { action: 'Deny' },
            },
          ],
        },
      }),
    );
    await untilChanged(2);
    expect([await ask(), await ask()]).toEqual([200, 429]);
    await rm(folder.pathOf('b.json'));
    await untilChanged(3);
    expect(await ask()).toBe(200);
    expect(await readUsed(governed)).toEqual({ r: 2 });
  });

  it('is not taken while it is still being written', async () => {
    await write('a.yaml', limitOf(1));
    await start();
    const endMs = performance.now() + 800;
    let limit = 2;
    while (performance.now() < endMs) {
      // Valid at every moment, and never the same twice.
      await write('a.yaml', limitOf(++limit));
    }
    expect(changes).toHaveLength(1);
    await untilChanged(2);
    expect((await readLimits(governed)).limits[0]?.quota).toBe(limit);
  });

  it('follows links that are swapped, as mounted volumes do', async () => {
    for (const [version, limit] of [
      ['1', 1],
      ['2', 3],
    ] as const) {
      await writeFile(folder.pathOf(`..data-${version}`), limitOf(limit));
    }
    await symlink('..data-1', folder.pathOf('policy.yaml'));
    await start();
    expect([await ask(), await ask()]).toEqual([200, 429]);
    await symlink('..data-2', folder.pathOf('.next'));
    await rename(folder.pathOf('.next'), folder.pathOf('policy.yaml'));
    await untilChanged(2);
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
  });
});

describe('a broken file', () => {
  it.each([
    ['no YAML', 'spec: [', 'is not valid YAML'],
    ['a mistyped field', limitOf(9, ', wndow: 1h'), 'wndow'],
    ['a limit that would be ignored', limitOf(9, ', match: {when: "true"}'), 'not supported yet'],
    ['not a policy', 'hello: world', 'apiVersion'],
    [
      'aliases that explode',
      'a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]',
      '',
    ],
  ])('leaves the last good revision in force and says what is wrong: %s', async (_name, text, message) => {
    await write('a.yaml', limitOf(2));
    await start();
    expect(await ask()).toBe(200);
    await write('a.yaml', text);
    const load = await untilChanged(2);
    if (load?.kind !== 'broken') throw new Error('the broken file was taken');
    expect(load.problems.map((problem) => JSON.stringify(problem)).join('\n')).toContain(message);
    expect(load.problems[0]?.where).toMatch(/a\.yaml/);
    expect(changes.at(-1)?.revision).toBe(1);
    expect(await readMetric(governed, 'flyball_policy_load_failures_total')).toBe(1);
    expect((await readLimits(governed)).revision).toBe(1);
    expect([await ask(), await ask()]).toEqual([200, 429]);

    await write('a.yaml', limitOf(3));
    expect((await untilChanged(3))?.kind).toBe('loaded');
    expect((await readLimits(governed)).revision).toBe(2);
    expect([await ask(), await ask()]).toEqual([200, 429]);
  });

  it('beside good ones holds all of them back', async () => {
    await write('a.yaml', limitOf(2));
    await start();
    await write('b.yaml', 'kind: 1');
    await untilChanged(2);
    await write('a.yaml', limitOf(9));
    await untilChanged(3);
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
  });

  it.each([
    ['is gone', async () => rm(folder.pathOf('a.yaml'))],
    ['is empty of policies', async () => write('a.yaml', '# nothing\n')],
  ])('and a directory that %s leave the limits in force', async (_name, change) => {
    await write('a.yaml', limitOf(1));
    await start();
    expect(await ask()).toBe(200);
    await change();
    await untilChanged(2);
    expect(await ask()).toBe(429);
  });

  it('at the start is not run with', async () => {
    await write('a.yaml', 'spec: [');
    await expect(start()).rejects.toThrow('policies');
    await write('a.yaml', limitOf(1));
    await start();
  });
});
