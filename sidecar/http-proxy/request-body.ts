// Reads a request body into memory, bounded.

import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request and its answer. */
export type Messages = { readonly request: IncomingMessage; readonly response: ServerResponse };

export type ReadBody =
  | { readonly kind: 'read'; readonly body: Buffer }
  | { readonly kind: 'too-large' }
  /** The client went away before the end. */
  | { readonly kind: 'gone' };

const EMPTY = Buffer.alloc(0);

/** Pieces that are joined at once: a body in pieces of one byte takes no more memory than its bytes. */
const MAX_PIECES = 1_024;

/** Tells a caller that waits for it to send its body (RFC 9110, 10.1.1). Call it once, when the body is wanted. */
export function askForBody({ request, response }: Messages): void {
  if (request.headers.expect !== undefined) response.writeContinue();
}

/**
 * Calls `done` once. A declared length above `maxBytes` is refused before a byte is read, an undeclared one at the byte
 * that passes the bound; what follows stays unread.
 */
export function readBody(messages: Messages, maxBytes: number, done: (result: ReadBody) => void): void {
  const { request } = messages;
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    done({ kind: 'too-large' });
    return;
  }
  askForBody(messages);
  const blocks: Buffer[] = [];
  let pieces: Buffer[] = [];
  let bytes = 0;
  const finish = (result: ReadBody): void => {
    request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    done(result);
  };
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      request.pause();
      finish({ kind: 'too-large' });
      return;
    }
    pieces.push(chunk);
    if (pieces.length < MAX_PIECES) return;
    blocks.push(Buffer.concat(pieces));
    pieces = [];
  };
  const onEnd = (): void => finish({ kind: 'read', body: joined([...blocks, ...pieces]) });
  const onClose = (): void => finish({ kind: 'gone' });
  request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
}

function joined(chunks: Buffer[]): Buffer {
  return chunks.length === 1 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks);
}
