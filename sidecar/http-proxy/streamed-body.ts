// A request body that is sent on while it comes.

import type { IncomingMessage } from 'node:http';

/** Read ahead of the upstream at most about so much. */
const MAX_WAITING_BYTES = 64 * 1_024;

/** A smaller piece waits for what arrived with it: sending each by itself would cost more than its caller paid. */
const MIN_PIECE_BYTES = 1_024;

/**
 * The body in its order. What arrived together comes together, in however small pieces it was sent. Throws when the
 * caller leaves before its end. Unlike the stream itself, ending it early leaves the caller's connection alone.
 */
export async function* streamBody(request: IncomingMessage): AsyncGenerator<Buffer, void, void> {
  let pieces: Buffer[] = [];
  let waitingBytes = 0;
  let wake: () => void = () => undefined;
  const onData = (piece: Buffer): void => {
    pieces.push(piece);
    waitingBytes += piece.length;
    if (waitingBytes >= MAX_WAITING_BYTES) request.pause();
    if (piece.length >= MIN_PIECE_BYTES) wake();
    else if (pieces.length === 1) setImmediate(() => wake());
  };
  const onEnd = (): void => wake();
  request.on('data', onData).on('end', onEnd).on('close', onEnd);
  try {
    for (;;) {
      if (pieces.length > 0) {
        const batch = pieces;
        pieces = [];
        waitingBytes = 0;
        yield batch.length === 1 ? (batch[0] as Buffer) : Buffer.concat(batch);
        request.resume();
      } else if (request.readableEnded) {
        return;
      } else if (request.closed) {
        throw new Error('the caller left before the end of its body');
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    request.off('data', onData).off('end', onEnd).off('close', onEnd);
  }
}
