import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProvider, type Provider } from '../../examples/provider/provider.ts';
import { createFolder, type Folder } from '../folder.ts';
import { policyOf } from '../sidecar/governed.ts';
import { type Finished, flyball, nodeCommand, runWords } from './flyball.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALL_TIMEOUT_MS = 240_000;

let folder: Folder;
let provider: Provider;
beforeAll(async () => {
  provider = await createProvider();
  folder = createFolder({
    'policy.yaml': policyOf(['{name: calls, unit: Requests, rates: [{limit: 5, window: 1m}]}']),
  });
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder.path], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: INSTALL_TIMEOUT_MS,
  });
  execFileSync('npm', ['install', '--silent', '--no-save', `${folder.path}/${packed.trim()}`], {
    cwd: folder.path,
    timeout: INSTALL_TIMEOUT_MS,
  });
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  await provider.close();
  folder.remove();
});

function installed(words: readonly string[]): Promise<Finished> {
  return flyball(words, {
    file: `${folder.path}/node_modules/.bin/flyball`,
    env: { OPENAI_BASE_URL: provider.openaiBaseUrl },
  });
}

describe('the packed package, installed in an empty directory', () => {
  it('checks policies', async () => {
    const end = await installed(['check', folder.pathOf('policy.yaml')]);
    expect([end.code, end.err]).toEqual([0, '']);
  });

  it('governs a command', async () => {
    const script = `const r = await fetch(process.env.OPENAI_BASE_URL + '/models'); console.log(r.status, r.headers.has('flyball-decision'))`;
    const end = await installed(runWords(folder.pathOf('policy.yaml'), [], nodeCommand(script)));
    expect([end.code, end.out]).toEqual([0, '200 true\n']);
  });
});
