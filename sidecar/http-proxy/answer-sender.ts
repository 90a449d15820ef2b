// Sends an answer of ours.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Answer } from '../protocol/protocol.ts';

/** A request body up to this size is read to its end, so that the connection can be used again. */
const MAX_SKIPPED_BYTES = 64 * 1_024;

/** Of a larger one so much is read and dropped, so that the answer reaches the caller. */
const MAX_DRAINED_BYTES = 8 * 1_024 * 1_024;
const MAX_DRAIN_MS = 2_000;

/** Sends a complete answer. Where much of the request's body has not been read, the connection ends with it. */
export function sendRefusal(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const headers = answer.headers.flat();
  headers.push('content-length', String(Buffer.byteLength(answer.body)));
  if (!hasLongRest(request)) {
    response.writeHead(answer.status, headers);
    response.end(answer.body); // Node drops what is left of the request.
    return;
  }
  headers.push('connection', 'close');
  response.writeHead(answer.status, headers);
  if (!isSent(request)) {
    response.end(answer.body);
    return;
  }
  // With its length the answer is complete for the caller; the connection is closed by `end`, when nothing comes any more.
  response.write(answer.body);
  drain(request, () => response.end());
}

/** Sends an answer where a connection holds no request that could be answered. It ends with it. */
export function sendOnConnection(connection: Duplex, { status, headers, body }: Answer): void {
  const lines = [...headers, ['content-length', String(Buffer.byteLength(body))], ['connection', 'close']];
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  connection.on('error', () => undefined);
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head}\r\n${body}`, () =>
    connection.destroy(),
  );
}

/** False where the caller waits to be asked for the body, and was not. */
function isSent(request: IncomingMessage): boolean {
  return request.headers.expect === undefined || request.readableFlowing !== null;
}

function hasLongRest(request: IncomingMessage): boolean {
  if (request.complete) return false;
  if (request.headers['transfer-encoding'] !== undefined) return true;
  return Number(request.headers['content-length'] ?? 0) > MAX_SKIPPED_BYTES;
}

/**
 * Drops what a caller still sends, for a moment, and calls `drained` once: closing a socket with unread bytes resets
 * it, and the caller may lose the answer. A caller that sends more than that has had its chance.
 */
export function drain(request: IncomingMessage, drained: () => void): void {
  let bytes = 0;
  const finish = (): void => {
    clearTimeout(timer);
    request.off('data', onData).off('end', finish).off('close', finish);
    request.pause();
    drained();
  };
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > MAX_DRAINED_BYTES) finish();
  };
  const timer = setTimeout(finish, MAX_DRAIN_MS);
  // Whoever read it before has no use for it any more, and could pause it.
  request.removeAllListeners('data');
  request.on('data', onData).once('end', finish).once('close', finish);
  request.resume();
}
