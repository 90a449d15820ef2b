// Sends an answer of ours.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from '../protocol/protocol.ts';

/** A request body that is not wanted is read and dropped up to here, so that the answer reaches the caller. */
const MAX_DRAINED_BYTES = 8 * 1_024 * 1_024;
const MAX_DRAIN_MS = 2_000;

/** Sends a complete answer. Where the request's body has not been read, the connection ends with it. */
export function sendRefusal(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const headers = answer.headers.flat();
  headers.push('content-length', String(Buffer.byteLength(answer.body)));
  if (!request.complete) headers.push('connection', 'close');
  response.writeHead(answer.status, headers);
  response.end(answer.body);
  if (!request.complete) linger(request);
}

/**
 * Closing a socket with unread bytes resets it, and the caller may lose the answer. So what it still sends is dropped
 * for a moment; a caller that sends more than that has had its chance.
 */
function linger(request: IncomingMessage): void {
  let bytes = 0;
  const timer = setTimeout(() => request.socket.destroy(), MAX_DRAIN_MS);
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_DRAINED_BYTES) request.socket.destroy();
  });
  request.once('close', () => clearTimeout(timer));
  request.on('error', () => request.socket.destroy());
  request.resume();
}
