import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createFolder } from '../folder.ts';
import { type Governed, policyOf, startGoverned } from './governed.ts';

const POLICIES = policyOf(['{name: calls, unit: Requests, rates: [{limit: 100, window: 1h}]}']);

let governed: Governed | undefined;
afterEach(async () => {
  await governed?.close();
  governed = undefined;
});

describe('an upstream', () => {
  it.each([
    ['oai', 'https://api.openai.com/v1', 'name it openai'],
    ['claude', 'https://api.anthropic.com', 'name it anthropic'],
  ])('%s that is a provider under another name is refused, since its tokens would not be counted', async (name, url, text) => {
    const start = startGoverned({
      policies: POLICIES,
      settings: { upstreams: new Map([[name, new URL(url)]]) },
    });
    await expect(start).rejects.toThrow(text);
  });

  it('with a certificate of a private authority is trusted when that is named, and not otherwise', async () => {
    const folder = createFolder();
    const [key, cert] = [folder.pathOf('key.pem'), folder.pathOf('cert.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) =>
      response.end('private'),
    );
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const { port } = server.address() as AddressInfo;
    const upstreams = new Map([['private', new URL(`https://localhost:${port}`)]]);
    const answers: string[] = [];
    for (const settings of [{ upstreams }, { upstreams, upstreamCa: cert }]) {
      governed = await startGoverned({ policies: POLICIES, settings });
      const response = await fetch(`${governed.url}/upstream/private/x`);
      answers.push(
        `${response.status} ${response.headers.get('flyball-reason')} ${await response.text()}`.slice(0, 24),
      );
      await governed.close();
    }
    server.close();
    server.closeAllConnections();
    folder.remove();
    expect(answers).toEqual(['502 UPSTREAM_UNREACHABLE', '200 null private']);
  });
});
