// U, the bar for everything in TypeScript: the barest proxy on node:http and undici that is still correct. It streams both
// ways with back-pressure, keeps hop-by-hop headers to itself and ends one side when the other breaks. It reads nothing.
// Run: node bench/peers/undici-proxy.ts UPSTREAM_URL

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Dispatcher, Pool } from 'undici';
import { serveUntilStdinEnds } from '../pinned-main.ts';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
]);

const pool = new Pool(process.argv[2] ?? '', { connections: 1_024, pipelining: 1 });

function forward(request: IncomingMessage, response: ServerResponse): void {
  let controller: Dispatcher.DispatchController | undefined;
  const hasBody = 'content-length' in request.headers || 'transfer-encoding' in request.headers;
  response.on('close', () => {
    if (!response.writableFinished) controller?.abort(new Error('the caller has gone'));
  });
  pool.dispatch(
    {
      path: request.url ?? '/',
      method: request.method as Dispatcher.HttpMethod, // Node's parser accepts only real methods.
      headers: endToEnd(request.rawHeaders),
      body: hasBody ? request : null,
    },
    {
      onRequestStart: (started) => {
        controller = started;
      },
      onResponseStart: (_controller, status, headers, statusText) => {
        if (status >= 200) response.writeHead(status, statusText, toPairs(headers));
      },
      onResponseData: (started, chunk) => {
        if (response.write(chunk)) return;
        started.pause();
        response.once('drain', () => started.resume());
      },
      onResponseEnd: () => {
        response.end();
      },
      onResponseError: () => {
        if (response.headersSent) response.destroy();
        else response.writeHead(502).end();
      },
    },
  );
}

function endToEnd(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, raw[i + 1] ?? '');
  }
  return kept;
}

function toPairs(headers: Readonly<Record<string, string | string[] | undefined>>): string[] {
  const pairs: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || HOP_BY_HOP.has(name)) continue;
    for (const one of typeof value === 'string' ? [value] : value) pairs.push(name, one);
  }
  return pairs;
}

serveUntilStdinEnds(createServer({ noDelay: true }, forward));
