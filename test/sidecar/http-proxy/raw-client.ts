// A client that writes bare bytes, for requests that no HTTP library would send and for answers that it would hide.

import { connect, type Socket } from 'node:net';
import { afterEach } from 'vitest';

/** One answer as it stood on the wire. */
export type RawAnswer = {
  readonly status: number;
  readonly reason: string;
  /** Names and values in their order and case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body without its framing. */
  readonly body: Buffer;
  /** The trailers of a chunked body. */
  readonly trailers: readonly (readonly [name: string, value: string])[];
};

export type RawClient = {
  readonly socket: Socket;
  /** Resolves when the bytes are with the operating system, or the connection has ended. */
  send(bytes: string | Buffer): Promise<void>;
  /** All bytes so far, as latin1. */
  text(): string;
  /** Resolves once the bytes so far contain `text`; rejects when the connection ends without it. */
  until(text: string): Promise<string>;
  /** The next complete answer, informational ones too; rejects when the connection ends before it is complete. */
  answer(options?: { readonly toHead?: boolean }): Promise<RawAnswer>;
  /** Resolves when the connection has ended; true when by a reset. */
  readonly closed: Promise<boolean>;
  destroy(): void;
};

/** Opens a connection to `127.0.0.1:port`. With `staysOpen` our side of it is not ended when the other one is. */
export function connectRaw(port: number, { staysOpen = false } = {}): RawClient {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: staysOpen });
  socket.setNoDelay(true);
  const chunks: Buffer[] = [];
  let taken = 0;
  let reset = false;
  let ended = false;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    reset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
  });
  const closed = new Promise<boolean>((resolve) =>
    socket.on('close', () => {
      ended = true;
      resolve(reset);
    }),
  );
  const all = (): Buffer => Buffer.concat(chunks);

  const next = <T>(read: () => T | undefined, missing: () => string): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = read();
        if (found === undefined && !ended) return;
        socket.off('data', look).off('close', look);
        if (found === undefined) reject(new Error(`the connection ended without ${missing()}`));
        else resolve(found);
      };
      socket.on('data', look).on('close', look);
      look();
    });

  return {
    socket,
    closed,
    text: () => all().toString('latin1'),
    send: (bytes) =>
      new Promise((resolve) => {
        if (ended) resolve();
        else {
          socket.once('close', resolve);
          socket.write(bytes, () => {
            socket.off('close', resolve);
            resolve();
          });
        }
      }),
    until: (text) =>
      next(
        () => {
          const seen = all().toString('latin1');
          return seen.includes(text) ? seen : undefined;
        },
        () => JSON.stringify(text),
      ),
    answer: ({ toHead = false } = {}) =>
      next(
        () => {
          const parsed = parseAnswer(all().subarray(taken), { toHead, ended });
          taken += parsed?.bytes ?? 0;
          return parsed?.answer;
        },
        () => `a complete answer: ${JSON.stringify(all().toString('latin1', taken).slice(0, 500))}`,
      ),
    destroy: () => socket.destroy(),
  };
}

/** As `connectRaw`; what was opened is destroyed after each test, before the hooks that were declared earlier. */
export function createRawClients(): typeof connectRaw {
  const clients: RawClient[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });
  return (...parameters) => {
    const client = connectRaw(...parameters);
    clients.push(client);
    return client;
  };
}

/** The head of a request with Host and these lines: `requestHead('GET /v1/limits')`. */
export function requestHead(line: string, lines: readonly string[] = []): string {
  return `${line} HTTP/1.1\r\nHost: localhost\r\n${lines.map((one) => `${one}\r\n`).join('')}\r\n`;
}

/** A request with its length, these lines and this body. */
export function requestOf(line: string, body: Buffer | string, lines: readonly string[] = []): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    Buffer.from(requestHead(line, [`Content-Length: ${bytes.length}`, ...lines])),
    bytes,
  ]);
}

/** One chunk of a chunked body. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** From now on the bytes that come are counted and not kept. */
export function countBytes(socket: Socket): { readonly received: number } {
  const count = { received: 0 };
  socket.removeAllListeners('data').on('data', (bytes: Buffer) => {
    count.received += bytes.length;
  });
  return count;
}

/** All values of a header, in their order. */
export function valuesOf({ headers }: Pick<RawAnswer, 'headers'>, name: string): readonly string[] {
  return headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
}

/** The value of a header that stands once; undefined when it does not. */
export function headerOf(message: Pick<RawAnswer, 'headers'>, name: string): string | undefined {
  const values = valuesOf(message, name);
  return values.length === 1 ? values[0] : undefined;
}

type Parsed = { readonly answer: RawAnswer; readonly bytes: number };

function parseAnswer(
  bytes: Buffer,
  { toHead, ended }: { readonly toHead: boolean; readonly ended: boolean },
): Parsed | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const [, status = '', reason = ''] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(statusLine) ?? [];
  const head = { status: Number(status), reason, headers: lines.map(toPair) };
  const body = bytes.subarray(headEnd + 4);
  const whole = (length: number): Parsed | undefined =>
    body.length < length
      ? undefined
      : {
          answer: { ...head, body: body.subarray(0, length), trailers: [] },
          bytes: headEnd + 4 + length,
        };
  if (toHead || head.status < 200 || head.status === 204 || head.status === 304) return whole(0);
  const length = headerOf(head, 'content-length');
  if (length !== undefined) return whole(Number(length));
  if (headerOf(head, 'transfer-encoding') !== 'chunked') return ended ? whole(body.length) : undefined;
  const read = readChunked(body);
  return (
    read && { answer: { ...head, body: read.body, trailers: read.trailers }, bytes: headEnd + 4 + read.bytes }
  );
}

/** A whole chunked body at the beginning of `bytes`, or undefined while it is not complete. */
export function readChunked(
  bytes: Buffer,
): (Pick<RawAnswer, 'body' | 'trailers'> & { readonly bytes: number }) | undefined {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (size === 0) {
      const end = bytes.indexOf('\r\n\r\n', lineEnd);
      if (end < 0) return undefined;
      const trailers = bytes.toString('latin1', lineEnd, end).split('\r\n').slice(1).map(toPair);
      return { body: Buffer.concat(chunks), trailers, bytes: end + 4 };
    }
    if (bytes.length < lineEnd + 2 + size + 2) return undefined;
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

/** A header line as its name and its value. */
export function toPair(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
