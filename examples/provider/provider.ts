// A deterministic stand-in for the OpenAI and Anthropic APIs and for HTTP tools. It keeps its own books (meter.ts), so
// that whatever sits between it and its callers can be checked against what really arrived.

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Behaviour, DEFAULT_BEHAVIOUR, parseBehaviour } from './behaviour.ts';
import { ANONYMOUS, type Arrival, createMeter, type Meter, type OpenCall } from './meter.ts';
import { PRICES, type Price } from './prices.ts';
import type { Reply } from './reply.ts';
import { answer, type Request, toError, toPathName } from './routes.ts';
import { transmit } from './transmission.ts';

/** What a caller sent, for tests that look at it or choose the behaviour by it. */
export type ReceivedRequest = {
  readonly arrival: Arrival;
  readonly method: string;
  /** Path and query as received. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

export type ProviderOptions = {
  /** Default 0: a free port. */
  readonly port?: number;
  /** How calls are answered, for all or call by call. `x-provider-*` request headers win. */
  readonly behaviour?: Partial<Behaviour> | ((request: ReceivedRequest) => Partial<Behaviour>);
  readonly prices?: readonly Price[];
};

export type Provider = {
  /** `http://127.0.0.1:PORT`; tools are below it at `/tools/<name>`. */
  readonly url: string;
  /** What OPENAI_BASE_URL takes. */
  readonly openaiBaseUrl: string;
  /** What ANTHROPIC_BASE_URL takes. */
  readonly anthropicBaseUrl: string;
  readonly meter: Meter;
  /** Closes the port and every connection, whatever state it is in. Safe to call again. */
  close(): Promise<void>;
};

const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Longer than any test, so that an idle pooled connection is never closed under a caller. */
const KEEP_ALIVE_MS = 65_000;

/**
 * Starts the mock on 127.0.0.1. Beside the APIs it serves `GET /meter` (MeterReport as JSON) and `POST /meter/reset`,
 * which are not metered. Rejects when the port is taken.
 */
export async function createProvider(options: ProviderOptions = {}): Promise<Provider> {
  const prices = options.prices ?? PRICES;
  const models = prices.map((price) => price.model);
  const meter = createMeter(prices, () => performance.now());

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/meter' || path === '/meter/reset') {
      serveMeter(meter, `${request.method} ${path}`, response);
      return;
    }
    const call = meter.arrive(toAccount(request.headers), toPathName(path));
    const gone = new AbortController();
    response.on('close', () => {
      gone.abort();
      call.end(response.writableFinished ? 'completed' : 'cut');
    });
    const body = await readBody(request);
    if (body === undefined) return;
    const { reply, behaviour } = decide(options, models, { request, path, body, call });
    await transmit(reply, behaviour, { response, gone: gone.signal }, call);
  };

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    serve(request, response).catch((cause: unknown) => {
      // A fault of the mock itself: the caller must not take it for one that was asked for.
      console.error('mock provider:', cause);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the mock provider has no TCP address');
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    openaiBaseUrl: `${url}/v1`,
    anthropicBaseUrl: url,
    meter,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What to answer and how. A malformed `x-provider-*` header is answered 400 in the plainest way. */
function decide(
  options: ProviderOptions,
  models: readonly string[],
  received: {
    readonly request: IncomingMessage;
    readonly path: string;
    readonly body: Buffer;
    readonly call: OpenCall;
  },
): { readonly reply: Reply; readonly behaviour: Behaviour } {
  const { request, path, body, call } = received;
  const { method = 'GET', url = '/', headers } = request;
  const { arrival } = call;
  const chosen =
    typeof options.behaviour === 'function'
      ? options.behaviour({ arrival, method, url, headers, body })
      : options.behaviour;
  const parsed = parseBehaviour({ ...DEFAULT_BEHAVIOUR, ...chosen }, headers);
  const asked: Request = {
    number: arrival.number,
    method,
    path,
    anthropic: headers['anthropic-version'] !== undefined,
    body,
  };
  return parsed.kind === 'invalid'
    ? { reply: toError(asked, 400, parsed.problem), behaviour: DEFAULT_BEHAVIOUR }
    : { reply: answer(asked, parsed.behaviour, models), behaviour: parsed.behaviour };
}

function serveMeter(meter: Meter, route: string, response: ServerResponse): void {
  if (route === 'POST /meter/reset') meter.reset();
  const known = route === 'POST /meter/reset' || route === 'GET /meter';
  response.writeHead(known ? 200 : 405, { 'content-type': 'application/json' });
  response.end(JSON.stringify(known ? meter.report() : { error: 'use GET /meter or POST /meter/reset' }));
}

function toAccount(headers: IncomingHttpHeaders): string {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = headers['x-api-key'];
  return bearer ?? (typeof key === 'string' ? key : ANONYMOUS);
}

/** Undefined when the caller left before the end; a body above the cap ends the connection. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bodyBytes = 0;
  try {
    for await (const chunk of request) {
      const bytes = Buffer.from(chunk);
      bodyBytes += bytes.length;
      if (bodyBytes > MAX_BODY_BYTES) return undefined;
      chunks.push(bytes);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}
