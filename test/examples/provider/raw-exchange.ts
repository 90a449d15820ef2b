// A request written and an answer read as bare bytes, for what an HTTP client would hide.

import { connectRaw } from '../../sidecar/http-proxy/raw-client.ts';

export type RawExchange = {
  /** Resolves once the bytes so far contain `text`; rejects when the connection ends without it. */
  until(text: string): Promise<string>;
  /** Resolves when the connection has ended. `reset` is true when it ended by a reset. */
  readonly ended: Promise<{ readonly bytes: Buffer; readonly text: string; readonly reset: boolean }>;
  destroy(): void;
};

export type RawRequest = {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

/** Sends one POST on its own connection, which the server is asked to close after its answer unless `headers` say else. */
export function exchangeRaw(url: string, request: RawRequest): RawExchange {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify(request.body ?? {});
  const headers = { host: hostname, 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
  const lines = Object.entries({ ...headers, ...request.headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const client = connectRaw(Number(port));
  void client.send(`POST ${request.path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  const ended = client.closed.then((reset) => {
    const text = client.text();
    return { bytes: Buffer.from(text, 'latin1'), text, reset };
  });
  return { ended, until: client.until, destroy: client.destroy };
}

/** The chunks of a chunked answer, as they were written, and what follows the last whole one. */
export function readChunks(bytes: Buffer): { readonly chunks: readonly Buffer[]; readonly rest: string } {
  const chunks: Buffer[] = [];
  let at = bytes.indexOf('\r\n\r\n') + 4;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = lineEnd < 0 ? 0 : Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (size === 0) return { chunks, rest: bytes.toString('latin1', at) };
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
