// An upstream whose every byte is written by the test, and that keeps every byte it received.

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { headerOf, readChunked, toPair } from './raw-client.ts';

/** How a chunked stream of events begins. */
export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

/** One request as it stood on the wire. */
export type ScriptedCall = {
  /** `POST /v1/chat/completions HTTP/1.1` */
  readonly requestLine: string;
  /** Names and values in their order and case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly socket: Socket;
  /** 1 for the first connection that was opened to the upstream, and so on. */
  readonly connection: number;
  /** The body without its framing, once it is complete. */
  readonly body: Promise<Buffer>;
  /** Resolves when the bytes are with the operating system. */
  write(bytes: string | Buffer): Promise<void>;
  /** Resolves when the other side or we ended the connection. */
  readonly closed: Promise<void>;
};

export type ScriptedUpstream = {
  readonly url: string;
  /** The next request whose head has arrived, in their order. */
  next(): Promise<ScriptedCall>;
  /** Requests seen so far. */
  readonly calls: number;
  close(): Promise<void>;
};

/** It as the upstreams `openai`, `anthropic` and `raw` of a sidecar. */
export function everyUpstream({ url }: Pick<ScriptedUpstream, 'url'>): ReadonlyMap<string, URL> {
  return new Map([
    ['openai', new URL(`${url}/v1`)],
    ['anthropic', new URL(url)],
    ['raw', new URL(`${url}/base`)],
  ]);
}

/** Listens on a free port. It answers nothing by itself. */
export async function createScriptedUpstream(): Promise<ScriptedUpstream> {
  const arrived: ScriptedCall[] = [];
  const waiting: ((call: ScriptedCall) => void)[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let calls = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    connections += 1;
    serveConnection(socket, connections, (call) => {
      calls += 1;
      const waiter = waiting.shift();
      if (waiter === undefined) arrived.push(call);
      else waiter(call);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server on a port has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    next: () => {
      const call = arrived.shift();
      return call === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(call);
    },
    get calls() {
      return calls;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function serveConnection(socket: Socket, connection: number, onCall: (call: ScriptedCall) => void): void {
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  let bytes: Buffer = Buffer.alloc(0);
  let finish: ((body: Buffer) => void) | undefined;
  let framing = { length: 0, chunked: false };
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (finish === undefined) {
      const headEnd = bytes.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = parseHead(bytes.toString('latin1', 0, headEnd));
      framing = head.framing;
      bytes = bytes.subarray(headEnd + 4);
      const body = new Promise<Buffer>((resolve) => {
        finish = resolve;
      });
      onCall({
        ...head,
        socket,
        connection,
        body,
        closed,
        write: (answer) => new Promise((resolve) => socket.write(answer, () => resolve())),
      });
    }
    const read = takeBody(bytes, framing);
    if (read === undefined) return;
    bytes = bytes.subarray(read.bytes);
    finish?.(read.body);
    finish = undefined;
  });
}

function takeBody(
  bytes: Buffer,
  { length, chunked }: { readonly length: number; readonly chunked: boolean },
): { readonly body: Buffer; readonly bytes: number } | undefined {
  if (chunked) return readChunked(bytes);
  return bytes.length < length ? undefined : { body: bytes.subarray(0, length), bytes: length };
}

function parseHead(text: string): Pick<ScriptedCall, 'requestLine' | 'headers'> & {
  readonly framing: { length: number; chunked: boolean };
} {
  const [requestLine = '', ...lines] = text.split('\r\n');
  const headers = lines.map(toPair);
  return {
    requestLine,
    headers,
    framing: {
      length: Number(headerOf({ headers }, 'content-length') ?? 0),
      chunked: headerOf({ headers }, 'transfer-encoding') === 'chunked',
    },
  };
}
