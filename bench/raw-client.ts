// A client on a raw socket: one request at a time, answers with a length or in chunks. It is cheap, so that on its core
// it disturbs the upstream little, and it sees each piece of an answer at the moment it arrives.

import { connect, type Socket } from 'node:net';

/** What is sent again and again. */
export type Request = {
  readonly url: URL;
  readonly body: string;
};

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** Headers as an SDK sends them. */
export const REQUEST_HEADERS: Readonly<Record<string, string>> = {
  accept: 'application/json',
  authorization: 'Bearer sk-bench',
  'content-type': 'application/json',
  'user-agent': 'flyball-bench',
  'x-stainless-retry-count': '0',
};

/** One keep-alive connection. */
export class RawClient {
  readonly #socket: Socket;
  readonly #message: string;
  #onPiece: ((text: string) => void) | undefined;
  #onBroken: (() => void) | undefined;

  constructor({ url, body }: Request) {
    const headers = Object.entries(REQUEST_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#message =
      `POST ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n${headers.join('')}` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on('data', (piece: Buffer) => this.#onPiece?.(piece.toString('latin1')));
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => this.#onBroken?.());
  }

  /** Sends the request; resolves at the end of its answer. Rejects unless that is a complete 200. */
  call(onPiece?: (text: string) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) throw new Error('the connection was closed between two calls');
      let seen = '';
      this.#onBroken = () => reject(new Error(`the connection broke after: ${seen.slice(0, 200)}`));
      this.#onPiece = (text) => {
        onPiece?.(text);
        seen += text;
        if (!isComplete(seen)) return;
        this.#onPiece = undefined;
        if (seen.startsWith('HTTP/1.1 200 ')) resolve();
        else reject(new Error(`not answered with 200: ${seen.slice(0, 200)}`));
      };
      this.#socket.write(this.#message);
    });
  }

  close(): void {
    this.#onBroken = undefined;
    this.#socket.destroy();
  }
}

function isComplete(seen: string): boolean {
  const headEnd = seen.indexOf(HEAD_END);
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(seen.slice(0, headEnd))?.[1];
  if (length === undefined) return seen.endsWith(LAST_CHUNK);
  return seen.length >= headEnd + HEAD_END.length + Number(length);
}
