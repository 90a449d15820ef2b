// The port for kubelet and Prometheus: /healthz, /readyz, /metrics and nothing else. It listens on all addresses of
// the pod, so it takes no input but a path, and every wait on a client is short.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../runtime/clock.ts';
import { Problem } from '../runtime/problem.ts';

/** One thing that must hold before calls may come. `detail` is one plain sentence. */
export type ReadinessCheck = { readonly name: string; readonly ok: boolean; readonly detail: string };

export type HealthServerOptions = {
  readonly host: string;
  /** 0 asks the system for a free one. */
  readonly port: number;
  /** Ready when all are ok; called for each `/readyz`. */
  readonly readiness: () => readonly ReadinessCheck[];
  /** The text of `/metrics`. */
  readonly scrape: () => Promise<string>;
  readonly clock: Clock;
  /** Told what went wrong behind an answer of 500, and of errors of the sockets. */
  readonly onError: (error: unknown) => void;
};

export interface HealthServer {
  /** The port it listens on. */
  readonly port: number;
  /** Stops at once for idle connections and after `graceMs` for the others. Never rejects, never hangs. */
  close(graceMs: number): Promise<void>;
}

const MAX_CONNECTIONS = 128;
const MAX_HEADER_BYTES = 8 * 1_024;
const TIMEOUT_MS = 5_000;
/** A scrape is repeated to others for this many times as long as it took, so scraping costs at most a tenth of a core. */
const REUSE_FACTOR = 10;

/** Listens before it resolves. Rejects with a Problem (UNAVAILABLE) when the address is taken or not ours. */
export async function createHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const sources = { readiness: options.readiness, scrape: reuseWhileCheap(options.scrape, options.clock) };
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: TIMEOUT_MS,
      requestTimeout: TIMEOUT_MS,
      keepAliveTimeout: TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
    },
    async (request, response) => {
      response.on('error', options.onError);
      const reply = await toReply(request, sources).catch((error: unknown): Reply => {
        options.onError(error);
        return refuse(500, 'this could not be read; the log says why');
      });
      // Whatever is wrong with a request, its connection may hold more of it; and a stopping server keeps none.
      if (reply.isRefusal || !server.listening) response.setHeader('connection', 'close');
      send(response, reply);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Whoever fills the port with idle connections loses them to the next probe of the kubelet.
  server.on('drop', () => server.closeIdleConnections());
  const port = await listen(server, options);
  server.on('error', options.onError);
  return { port, close: (graceMs) => close(server, graceMs) };
}

type Reply = {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** True when the request was not one of those that we answer. */
  readonly isRefusal: boolean;
};

const TEXT = 'text/plain; charset=utf-8';
const JSON_LINES = 'application/jsonl; charset=utf-8';
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
const PATHS: readonly string[] = ['/healthz', '/readyz', '/metrics'];

async function toReply(
  request: IncomingMessage,
  { readiness, scrape }: Pick<HealthServerOptions, 'readiness' | 'scrape'>,
): Promise<Reply> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (!PATHS.includes(path)) return refuse(404, `nothing here; try ${PATHS.join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'only GET and HEAD');
  if (hasBody(request)) return refuse(400, 'no body is expected here');
  if (path === '/healthz') return answer(200, TEXT, 'ok\n');
  if (path === '/metrics') return answer(200, PROMETHEUS, await scrape());
  const checks = readiness();
  const lines = checks.map((check) => `${JSON.stringify(check)}\n`).join('');
  return answer(checks.every((check) => check.ok) ? 200 : 503, JSON_LINES, lines);
}

function answer(status: number, contentType: string, body: string): Reply {
  return { status, contentType, body, isRefusal: false };
}

function refuse(status: number, sentence: string): Reply {
  return { status, contentType: TEXT, body: `${sentence}\n`, isRefusal: true };
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'] ?? '0';
  return length !== '0' || request.headers['transfer-encoding'] !== undefined;
}

function send(response: ServerResponse, reply: Reply): void {
  response.setHeader('content-type', reply.contentType);
  response.setHeader('content-length', Buffer.byteLength(reply.body));
  response.setHeader('cache-control', 'no-store');
  if (reply.status === 405) response.setHeader('allow', 'GET, HEAD');
  response.writeHead(reply.status);
  response.end(reply.body);
}

function reuseWhileCheap(scrape: () => Promise<string>, clock: Clock): () => Promise<string> {
  let last: { readonly text: string; readonly freshUntilMs: number } | undefined;
  return async () => {
    const startMs = clock.nowMs();
    if (last !== undefined && startMs < last.freshUntilMs) return last.text;
    const text = await scrape();
    const endMs = clock.nowMs();
    last = { text, freshUntilMs: endMs + (endMs - startMs) * REUSE_FACTOR };
    return text;
  };
}

function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const at = `${address.host}:${address.port}`;
      reject(
        new Problem(
          'UNAVAILABLE',
          `cannot listen on ${at}: is the port taken or the address foreign?`,
          error,
        ),
      );
    });
    server.listen({ host: address.host, port: address.port }, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : address.port);
    });
  });
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
