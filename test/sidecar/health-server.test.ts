import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createHealthServer, type HealthServer, type ReadinessCheck } from '../../sidecar/health-server.ts';
import { createFakeClock, type FakeClock } from '../runtime/fake-clock.ts';
import { createRawClients, requestHead } from './http-proxy/raw-client.ts';

let clock: FakeClock;
let checks: ReadinessCheck[];
let scrape: () => Promise<string>;
let errors: unknown[];
let server: HealthServer;

beforeEach(async () => {
  clock = createFakeClock();
  checks = [{ name: 'policies', ok: true, detail: 'revision 12 is in force' }];
  scrape = () => Promise.resolve('# HELP x X\n');
  errors = [];
  server = await createHealthServer({
    host: '127.0.0.1',
    port: 0,
    readiness: () => checks,
    scrape: () => scrape(),
    clock,
    onError: (error) => errors.push(error),
  });
});

afterEach(async () => {
  await server.close(0);
});

const connect = createRawClients();

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.port}${path}`, init);
}

describe('the health port', () => {
  it.each([
    { path: '/healthz', status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' },
    { path: '/healthz?verbose=1', status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' },
    {
      path: '/metrics',
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      body: '# HELP x X\n',
    },
    {
      path: '/readyz',
      status: 200,
      type: 'application/jsonl; charset=utf-8',
      body: '{"name":"policies","ok":true,"detail":"revision 12 is in force"}\n',
    },
  ])('answers $path with $status', async ({ path, status, type, body }) => {
    const answer = await get(path);
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      status,
      type,
      body,
    ]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const head = await get(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      status,
      String(Buffer.byteLength(body)),
      '',
    ]);
  });

  it('is not ready as long as one check fails, and says which', async () => {
    checks = [...checks, { name: 'shutdown', ok: false, detail: 'the process "stops"' }];
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    const lines = (await answer.text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(checks);
  });

  it.each([
    '/',
    '/metrics/',
    '/v1/limits',
    '/openai/v1/chat/completions',
    '/healthz/../admin',
    '//metrics',
  ])('has nothing at %s', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('/healthz, /readyz, /metrics');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('does not take %s', async (method) => {
    const answer = await get('/metrics', { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('answers 500 when the scrape fails, tells us, and goes on', async () => {
    const failure = new Error('broken gauge');
    scrape = () => Promise.reject(failure);
    const answer = await get('/metrics');
    expect([answer.status, await answer.text()]).toEqual([500, 'this could not be read; the log says why\n']);
    expect(errors).toEqual([failure]);
    scrape = () => Promise.resolve('');
    expect((await get('/metrics')).status).toBe(200);
  });

  it('repeats a scrape for ten times as long as it took, so that scraping stays cheap', async () => {
    let scrapes = 0;
    scrape = () => {
      clock.advance(20);
      scrapes += 1;
      return Promise.resolve(`scrape ${scrapes}\n`);
    };
    const texts: string[] = [];
    for (const waitMs of [0, 0, 199, 1]) {
      clock.advance(waitMs);
      texts.push(await (await get('/metrics')).text());
    }
    expect(texts).toEqual(['scrape 1\n', 'scrape 1\n', 'scrape 1\n', 'scrape 2\n']);
  });

  it('says which address it cannot have', async () => {
    const options = { host: '127.0.0.1', readiness: () => checks, scrape, clock, onError: () => {} };
    await expect(createHealthServer({ ...options, port: server.port })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
  });
});

describe('a client of the health port', () => {
  async function answerTo(request: string): Promise<string> {
    const client = connect(server.port);
    await client.send(request);
    await client.closed;
    return client.text();
  }

  it.each([
    {
      what: 'headers beyond 8 KiB',
      request: `GET /healthz HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(9_000)}\r\n\r\n`,
      status: 431,
    },
    {
      what: 'a body',
      request: 'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello',
      status: 400,
    },
    {
      what: 'a chunked body',
      request: 'GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
      status: 400,
    },
    { what: 'no HTTP', request: 'hello\r\n\r\n', status: 400 },
    { what: 'a path that is none', request: 'GET * HTTP/1.1\r\nHost: x\r\n\r\n', status: 404 },
  ])('that sends $what gets $status and loses its connection', async ({ request, status }) => {
    expect(await answerTo(request)).toMatch(
      new RegExp(`^HTTP/1.1 ${status} [^]*\\r\\nconnection: close\\r\\n`, 'i'),
    );
  });

  it('that wants a tunnel loses its connection', async () => {
    expect(await answerTo('CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
  });

  it('cannot keep others out by opening connections', async () => {
    for (let n = 0; n < 140; n += 1) {
      const client = connect(server.port);
      await client.send(requestHead('GET /healthz'));
      // A connection too many ends without an answer.
      await client.answer().catch(() => undefined);
    }
    await vi.waitFor(async () => expect((await get('/healthz')).status).toBe(200), { timeout: 5_000 });
  });
});

describe('closing the health port', () => {
  it('does not wait for idle connections', async () => {
    await (await get('/healthz')).text();
    const startedMs = performance.now();
    await server.close(60_000);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await expect(get('/healthz')).rejects.toThrow();
  });

  it('waits for an answer that is being made', async () => {
    let finish = (_: string): void => {};
    const asked = new Promise<void>((resolve) => {
      scrape = () => {
        resolve();
        return new Promise((done) => {
          finish = done;
        });
      };
    });
    const answer = get('/metrics');
    await asked;
    const closed = server.close(60_000);
    finish('last\n');
    const answered = await answer;
    expect([await answered.text(), answered.headers.get('connection')]).toEqual(['last\n', 'close']);
    await closed;
  });

  it('ends within its grace when an answer never comes, and with clients that say nothing', async () => {
    const silent = connect(server.port);
    await once(silent.socket, 'connect');
    const asked = new Promise<void>((resolve) => {
      scrape = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    const answer = get('/metrics').catch((error: unknown) => error);
    await asked;
    await server.close(20);
    expect(await answer).toBeInstanceOf(Error);
  });

  it('may be asked for twice', async () => {
    await Promise.all([server.close(10), server.close(10)]);
    await server.close(10);
  });
});
