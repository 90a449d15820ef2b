// The HTTP port of the sidecar: base URLs for the providers, upstreams by name, and the agent's own view.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { UNKNOWN } from '../../core/call.ts';
import type { Refusal } from '../../core/refusal.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { CallObserver } from '../call-observer.ts';
import type { Governor } from '../governor.ts';
import type { Workload } from '../identity.ts';
import type { Meter } from '../meter.ts';
import type { Answer } from '../protocol/protocol.ts';
import type { Upstream } from '../upstream.ts';
import { sendOnConnection, sendRefusal } from './answer-sender.ts';
import { identify, NO_CONTENT } from './caller.ts';
import { dialectOf } from './dialect.ts';
import { Exchange } from './exchange.ts';
import { OpenCalls } from './open-calls.ts';
import { answerOwn, type OwnRoutes } from './own-routes.ts';
import { identityInvalid, malformed, stopping, unknownRoute } from './refusals.ts';
import { RefusedCallers } from './refused-callers.ts';
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
  /** A number that is the same for all requests of one connection. */
  connectionIdOf(socket: Socket): number;
  readonly refusedCallers: RefusedCallers;
};

export type HttpProxyOptions = Omit<ProxyContext, 'connectionIdOf' | 'refusedCallers'> & {
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
  readonly #open = new OpenCalls<Exchange>();
  readonly #connections = new WeakMap<Duplex, Connection>();
  #connectionCount = 0;
  #stopping = false;
  #onIdle: (() => void) | undefined;

  constructor(options: HttpProxyOptions) {
    this.#options = options;
    this.#context = {
      ...options,
      connectionIdOf: (socket) => this.#connectionOf(socket).id,
      refusedCallers: new RefusedCallers(),
    };
    this.#server = this.#createServer(options);
  }

  /** Calls in progress: being read, held, or sent and not answered to their end. */
  get openCalls(): number {
    return this.#open.size;
  }

  /** From `listen` to `close`. */
  get isTakingCalls(): boolean {
    return this.#server.listening && !this.#stopping;
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
    for (const exchange of this.#open.all()) exchange.stopIfHeld();
    if (this.#open.size > 0) await this.#idle(graceMs);
    for (const exchange of this.#open.all()) exchange.stop();
    this.#server.closeAllConnections();
    await closed;
  }

  #createServer({ headersTimeoutMs, requestTimeoutMs }: HttpProxyOptions): Server {
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      this.#onRequest(request, response);
    const onSwitch = (request: IncomingMessage, connection: Duplex): void =>
      sendOnConnection(
        connection,
        this.#answer(malformed('Protocol upgrades and CONNECT are not forwarded.'), request),
      );
    const server = createServer(
      {
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: CONNECTIONS_CHECKING_INTERVAL_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
        // A missing Host is refused like a foreign one.
        requireHostHeader: false,
        // An offer of HTTP/2 may be overheard (RFC 9110, 7.8), and some clients always make it.
        shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() !== 'h2c',
        noDelay: true,
      },
      onRequest,
    );
    // Node would leave out what is above a bound, so that we would read other headers than the client sent.
    server.maxHeadersCount = 0;
    server.on('checkContinue', onRequest);
    server.on('checkExpectation', (request, response) =>
      this.#refuse(request, response, malformed('The Expect header may only say 100-continue.')),
    );
    server.on('clientError', (error, connection) => this.#onBrokenRequest(error, connection));
    server.on('upgrade', onSwitch).on('connect', onSwitch);
    return server;
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
    const connection = this.#connectionOf(request.socket);
    connection.latest = response;
    if (this.#stopping) {
      response.shouldKeepAlive = false;
      this.#refuse(request, response, stopping(connection.id));
      return;
    }
    const problem = problemOf(request);
    if (problem !== undefined) {
      this.#refuse(request, response, malformed(problem));
      return;
    }
    const target = parseTarget(request.url ?? '');
    if (target.kind === 'invalid') {
      this.#refuse(request, response, malformed(target.problem));
      return;
    }
    if (!isKnownAgent(target.agent, this.#context.workload)) {
      this.#refuse(request, response, identityInvalid(UNKNOWN_AGENT));
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
      this.#refuse(request, response, unknownRoute(UNKNOWN_UPSTREAM));
      return;
    }
    const exchange = new Exchange(this.#context, { request, response }, target, upstream);
    const { open } = connection;
    this.#open.add(exchange);
    open.push(exchange);
    exchange.start(() => {
      open.splice(open.indexOf(exchange), 1);
      this.#ended(exchange);
    });
  }

  #ended(exchange: Exchange): void {
    this.#open.remove(exchange);
    if (this.#open.size === 0) this.#onIdle?.();
  }

  /** What is no HTTP, or came too slowly. It is answered where the caller can tell what the answer is for. */
  #onBrokenRequest(error: NodeJS.ErrnoException, connection: Duplex): void {
    const latest = this.#connections.get(connection)?.latest;
    const isAnswering = latest !== undefined && !latest.writableFinished;
    const isAnswered = latest?.headersSent === true || latest?.req.complete === true;
    if (!connection.writable || (isAnswering && isAnswered)) connection.destroy(error);
    else sendOnConnection(connection, this.#answer(malformed(describe(error.code)), latest?.req));
  }

  #refuse(request: IncomingMessage, response: ServerResponse, reason: Refusal): void {
    sendRefusal(request, response, this.#answer(reason, request));
  }

  /** The answer to what never became a call of an agent. It is a decision all the same, with an id and a line. */
  #answer(reason: Refusal, request: IncomingMessage | undefined): Answer {
    const { nextDecisionId, clock, observer, governor, workload } = this.#context;
    const decisionId = nextDecisionId();
    const call = identify(workload, NO_HEADERS, NO_TARGET, NO_CONTENT);
    const { revision } = governor;
    const nothing = { charged: undefined, shadow: undefined, heldMs: 0, decidingMs: 0 };
    observer.decided({ id: decisionId, call, revision, refusal: reason, ...nothing });
    const toAnswer = dialectOf(this.#options.upstreams, request?.method ?? '', request?.url ?? '');
    return toAnswer(reason, { decisionId, wallClockMs: clock.wallMs(), attempt: 1 });
  }

  #connectionOf(socket: Socket): Connection {
    let connection = this.#connections.get(socket);
    if (connection === undefined) {
      connection = { id: ++this.#connectionCount, latest: undefined, open: [] };
      const { open } = connection;
      socket.once('close', () => {
        for (const exchange of [...open]) exchange.connectionClosed();
      });
      this.#connections.set(socket, connection);
    }
    return connection;
  }
}

const NO_HEADERS: ReadonlyMap<string, string> = new Map();
const NO_TARGET = { agent: undefined, upstream: UNKNOWN };

const UNKNOWN_UPSTREAM = 'There is no upstream of this name; add it with --upstream NAME=URL.';
const UNKNOWN_AGENT = 'The agent in the path is not governed here; name further agents with --agents.';

function isKnownAgent(agent: string | undefined, { agents }: Workload): boolean {
  return agent === undefined || agents === undefined || agents.has(agent);
}

/** What is known of a connection. */
type Connection = {
  readonly id: number;
  latest: ServerResponse | undefined;
  /** Calls that came on it and have not ended: seldom more than one. */
  readonly open: Exchange[];
};

function ignore(): void {
  // Seen by the exchange as 'close'.
}

/** Names of this machine: anything else is a page in a browser that was rebound to us, or a mistake. */
function isOwnHost(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(host);
}

/** A browser says which page calls. Programs say nothing. */
function isOwnOrigin(origin: string | undefined): boolean {
  return origin === undefined || isOwnHost(origin.replace(/^https?:\/\//i, ''));
}

/** What is wrong with a request before its path is looked at. */
function problemOf({ headers, rawHeaders, httpVersionMajor }: IncomingMessage): string | undefined {
  if (httpVersionMajor !== 1) return 'The request must be HTTP/1.1.';
  if (!isOwnHost(headers.host)) return 'The Host header must name this machine: localhost or 127.0.0.1.';
  if (!isOwnOrigin(headers.origin))
    return 'Pages of other sites must not call: the Origin header names another host.';
  if (headers['sec-fetch-site'] === 'cross-site')
    return 'Pages of other sites may not make calls: a browser sent this request for one.';
  if (isRepeated('host', rawHeaders)) return 'The Host header must be sent once.';
  if (rawHeaders.length > 2 * MAX_HEADERS) return `There are more than ${MAX_HEADERS} headers.`;
  return undefined;
}

/** Does a header (in lower case) come more than once? Node would keep the first one. */
function isRepeated(name: string, rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const one = rawHeaders[i];
    if (one?.length === name.length && one.toLowerCase() === name) count += 1;
  }
  return count > 1;
}

function describe(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return `The headers are larger than ${MAX_HEADER_BYTES} bytes.`;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'The request did not arrive in time.';
    default:
      return 'The request is not well-formed HTTP/1.1.';
  }
}
