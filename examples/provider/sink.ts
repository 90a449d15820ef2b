// How bytes of a body reach the socket: encoded, dripped, and never faster than the caller reads.

import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import type { Behaviour } from './behaviour.ts';

/** One answer on its way. `gone` is aborted when the caller has left or the answer has ended. */
export type Exchange = { readonly response: ServerResponse; readonly gone: AbortSignal };

export interface Sink {
  /** Resolves once the bytes are with the operating system: true, or false when the caller has gone. */
  write(bytes: Buffer): Promise<boolean>;
  /** Ends the body. */
  end(): Promise<void>;
}

type Encoding = Behaviour['encoding'];

/** Waits; true when the time has passed, false when the caller went first. */
export async function pause(waitMs: number, gone: AbortSignal): Promise<boolean> {
  if (waitMs === 0) return !gone.aborted;
  try {
    await sleep(waitMs, undefined, { signal: gone });
    return true;
  } catch {
    return false;
  }
}

/** A whole body in an encoding. */
export function encodeBody(body: Buffer, encoding: Encoding): Buffer {
  switch (encoding) {
    case 'identity':
      return body;
    case 'gzip':
      return gzipSync(body);
    case 'br':
      return brotliCompressSync(body);
    case 'zstd':
      return zstdCompressSync(body);
  }
}

/** A sink that writes bytes as they are; with `gapMs` one by one, with that pause between them. */
export function createPlainSink({ response, gone }: Exchange, gapMs: number | undefined): Sink {
  const write = (bytes: Buffer): Promise<boolean> => writeTo(response, bytes, gone);
  const drip = async (bytes: Buffer): Promise<boolean> => {
    for (let index = 0; index < bytes.length; index += 1) {
      if (!(await write(bytes.subarray(index, index + 1)))) return false;
      if (!(await pause(gapMs ?? 0, gone))) return false;
    }
    return true;
  };
  return {
    write: gapMs === undefined ? write : drip,
    end: async () => {
      response.end();
    },
  };
}

/** A sink that encodes a stream and flushes the encoder at each write, so that every event leaves at once. */
export function createEncodingSink(
  target: Sink,
  encoding: Exclude<Encoding, 'identity'>,
  gone: AbortSignal,
): Sink {
  const encoder = createEncoder(encoding);
  gone.addEventListener('abort', () => encoder.destroy(), { once: true });
  const encoded: Buffer[] = [];
  encoder.on('data', (bytes: Buffer) => encoded.push(bytes));
  const forward = async (): Promise<boolean> => {
    const bytes = Buffer.concat(encoded.splice(0));
    return bytes.length === 0 || target.write(bytes);
  };
  return {
    write: async (bytes) => {
      await new Promise((resolve) => encoder.write(bytes, resolve));
      return forward();
    },
    end: async () => {
      const closed = new Promise((resolve) => encoder.on('close', resolve));
      encoder.end();
      await closed;
      if (await forward()) await target.end();
    },
  };
}

function createEncoder(encoding: Exclude<Encoding, 'identity'>): ReturnType<typeof createGzip> {
  switch (encoding) {
    case 'gzip':
      return createGzip({ flush: constants.Z_SYNC_FLUSH });
    case 'br':
      return createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH });
    case 'zstd':
      return createZstdCompress({ flush: constants.ZSTD_e_flush });
  }
}

function writeTo(response: ServerResponse, bytes: Buffer, gone: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (gone.aborted) {
      resolve(false);
      return;
    }
    const leave = (): void => resolve(false);
    gone.addEventListener('abort', leave, { once: true });
    response.write(bytes, () => {
      gone.removeEventListener('abort', leave);
      resolve(!gone.aborted);
    });
  });
}
