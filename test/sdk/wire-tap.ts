// What really goes over the wire between an SDK and the sidecar: a TCP relay that reads the heads of requests and answers
// as they pass. It counts by itself, so that neither the SDK nor the sidecar is asked what it did. One connection of the
// caller is one connection to the sidecar, as it would be without it.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** One request and its answer. */
export type Exchange = {
  /** Monotonic milliseconds at which the head of the request came. */
  readonly sentAtMs: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Undefined until the head of the final answer comes. */
  answer: WireAnswer | undefined;
};

export type WireAnswer = {
  readonly atMs: number;
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
};

export type WireTap = {
  readonly port: number;
  /** All exchanges so far, by the time of their requests. */
  readonly exchanges: readonly Exchange[];
  /** Resolves when this many answers have begun. */
  answered(count: number): Promise<void>;
  /** Resolves when this many requests have come. */
  requested(count: number): Promise<void>;
  /** Connections from now on go to another port. */
  retarget(port: number): void;
  close(): Promise<void>;
};

/** JSON and server-sent events never hold a bare CR LF, so neither of these can stand in a body that we see. */
const REQUEST_HEAD = /(?:GET|POST) \S+ HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n/;
const ANSWER_HEAD = /HTTP\/1\.1 (\d{3})[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/;

/** Starts a relay in front of a port of this machine. */
export async function startWireTap(targetPort: number): Promise<WireTap> {
  const exchanges: Exchange[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<{ isOver(): boolean; resolve(): void }>();
  let port = targetPort;

  const changed = (): void => {
    for (const waiter of waiting) {
      if (!waiter.isOver()) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  };
  const until = (isOver: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      waiting.add({ isOver, resolve });
      changed();
    });
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const open: Exchange[] = [];
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    relay(client, upstream, REQUEST_HEAD, (head) => {
      const exchange = {
        sentAtMs: performance.now(),
        headers: parseHead(head),
        answer: undefined,
      };
      exchanges.push(exchange);
      open.push(exchange);
      changed();
    });
    relay(upstream, client, ANSWER_HEAD, (head, statusText) => {
      const status = Number(statusText);
      const exchange = status < 200 ? undefined : open.shift();
      if (exchange === undefined) return;
      exchange.answer = { atMs: performance.now(), status, headers: parseHead(head) };
      changed();
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // listens on TCP, so never a path or null
    exchanges,
    answered: (count) => until(() => exchanges.filter(({ answer }) => answer !== undefined).length >= count),
    requested: (count) => until(() => exchanges.length >= count),
    retarget: (next) => {
      port = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Passes bytes on, one way, and calls `seen` for each head among them. */
function relay(
  from: Socket,
  to: Socket,
  pattern: RegExp,
  seen: (head: string, status?: string) => void,
): void {
  let unread = '';
  from.on('data', (chunk) => {
    unread += chunk.toString('latin1');
    for (let match = pattern.exec(unread); match !== null; match = pattern.exec(unread)) {
      seen(match[0], match[1]);
      unread = unread.slice(match.index + match[0].length);
    }
    // A head may be cut anywhere; anything longer than the longest head is a body.
    unread = unread.slice(-16_384);
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroySoon());
}

function parseHead(head: string): ReadonlyMap<string, string> {
  return new Map(
    head
      .split('\r\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
  );
}
