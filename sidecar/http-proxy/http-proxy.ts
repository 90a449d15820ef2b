// The HTTP port of the sidecar: base URLs for the providers, upstreams by name, and the agent's own view.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Reason, Refusal } from '../../core/refusal.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { CallObserver } from '../call-observer.ts';
import type { Governor } from '../governor.ts';
import type { Workload } from '../identity.ts';
import type { Meter } from '../meter.ts';
import type { Upstream } from '../upstream.ts';
import { sendRefusal } from './answer-sender.ts';
import { dialectOf } from './dialect.ts';
import { Exchange } from './exchange.ts';
import { answerOwn, type OwnRoutes } from './own-routes.ts';
import { parseTarget } from './target.ts';

/** What every exchange needs. */
export type ProxyContext = {
  readonly governor: Governor;
  readonly meter: Meter;
  readonly observer: CallObserver;
  readonly clock: Clock;
  readonly workload: Workload;
  readonly maxBodyBytes: number;
  nextDecisionId(): string;
  wallClockMs(): number;
  /** A number that is the same for all requests of one connection. */
  connectionIdOf(socket: Socket): number;
};

export type HttpProxyOptions = Omit<ProxyContext, 'connectionIdOf'> & {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly own: OwnRoutes;
  /** Time for the head of a request, and for the whole of it. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
};

/** How often Node looks for connections that are too slow; by default it lets them live 30 s. */
const CONNECTIONS_CHECKING_INTERVAL_MS = 1_000;

/** Idle connections of the agent are cheap, and closing one under a request in flight is not. */
const KEEP_ALIVE_MS = 65_000;
const MAX_HEADER_BYTES = 16 * 1_024;
const MAX_HEADERS = 200;

/** Serves one sidecar's HTTP port. */
export class HttpProxy {
  readonly #options: HttpProxyOptions;
  readonly #context: ProxyContext;
  readonly #server: Server;
  readonly #open = new Set<Exchange>();
  readonly #connectionIds = new WeakMap<Socket, number>();
  #connections = 0;
  #stopping = false;
  #onIdle: (() => void) | undefined;

  constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.#context = { ...options, connectionIdOf: (socket) => this.#connectionIdOf(socket) };
    this.#server = createServer(
      {
        headersTimeout: options.headersTimeoutMs,
        requestTimeout: options.requestTimeoutMs,
        connectionsCheckingInterval: CONNECTIONS_CHECKING_INTERVAL_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
        requireHostHeader: true,
        noDelay: true,
      },
      (request, response) => this.#onRequest(request, response),
    );
    this.#server.maxHeadersCount = MAX_HEADERS;
    this.#server.on('upgrade', (_request, socket) => refuseSwitch(socket as Socket));
    this.#server.on('connect', (_request, socket) => refuseSwitch(socket as Socket));
  }

  /** Calls in progress, held ones included. */
  get openCalls(): number {
    return this.#open.size;
  }

  /** Listens; resolves to the address in use. Rejects with the system's error (EADDRINUSE, EACCES). */
  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo); // A server on a port has an address with a port.
      });
    });
  }

  /**
   * Takes no new calls, gives open ones `graceMs` to end, then ends them. Held calls are refused at once. Resolves when
   * every call is settled and every connection closed.
   */
  async close(graceMs: number): Promise<void> {
    this.#stopping = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const exchange of this.#open) exchange.stopIfHeld();
    if (this.#open.size > 0) await this.#idle(graceMs);
    for (const exchange of this.#open) exchange.stop();
    this.#server.closeAllConnections();
    await closed;
  }

  #idle(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    // A broken socket is seen by 'close'; without a listener its error would end the process.
    request.on('error', ignore);
    response.on('error', ignore);
    if (this.#stopping) {
      response.shouldKeepAlive = false;
      this.#refuse(
        request,
        response,
        refusal('UNAVAILABLE', 'SHUTTING_DOWN', 'The sidecar is stopping.', 1_000),
      );
      return;
    }
    if (!isOwnHost(request.headers.host)) {
      this.#refuse(
        request,
        response,
        refusal(
          'INVALID',
          'MALFORMED_REQUEST',
          'The Host header must name this machine: localhost or 127.0.0.1.',
        ),
      );
      return;
    }
    const target = parseTarget(request.url ?? '');
    if (target.kind === 'invalid') {
      this.#refuse(request, response, refusal('INVALID', 'MALFORMED_REQUEST', target.problem));
      return;
    }
    if (target.kind === 'own') {
      answerOwn(this.#options.own, { request, response }, target, (reason) =>
        this.#refuse(request, response, reason),
      );
      return;
    }
    const upstream = this.#options.upstreams.get(target.upstream);
    if (upstream === undefined) {
      this.#refuse(
        request,
        response,
        refusal(
          'INVALID',
          'UNKNOWN_ROUTE',
          'There is no upstream of this name; add it with --upstream NAME=URL.',
        ),
      );
      return;
    }
    const exchange = new Exchange(this.#context, { request, response }, target, upstream);
    this.#open.add(exchange);
    exchange.start(() => this.#ended(exchange));
  }

  #ended(exchange: Exchange): void {
    this.#open.delete(exchange);
    if (this.#open.size === 0) this.#onIdle?.();
  }

  #refuse(request: IncomingMessage, response: ServerResponse, reason: Refusal): void {
    const context = {
      decisionId: this.#context.nextDecisionId(),
      wallClockMs: this.#context.wallClockMs(),
      attempt: 1,
    };
    const toAnswer = dialectOf(this.#options.upstreams, request.method ?? '', request.url ?? '');
    sendRefusal(request, response, toAnswer(reason, context));
  }

  #connectionIdOf(socket: Socket): number {
    let id = this.#connectionIds.get(socket);
    if (id === undefined) {
      id = ++this.#connections;
      this.#connectionIds.set(socket, id);
    }
    return id;
  }
}

function ignore(): void {
  // Seen by the exchange as 'close'.
}

/** Names of this machine: anything else is a page in a browser that was rebound to us, or a mistake. */
function isOwnHost(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(host);
}

/** WebSockets and tunnels would pass calls that nobody counts. */
function refuseSwitch(socket: Socket): void {
  const body = 'This port governs single HTTP calls; protocol upgrades and CONNECT are not forwarded.\n';
  socket.on('error', ignore);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function refusal(deny: Refusal['class'], reason: Reason, detail: string, waitMs = 0): Refusal {
  return { class: deny, reason, waitMs, violations: [], detail };
}
