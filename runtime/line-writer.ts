// Lines to a file or descriptor without waiting: buffered, written asynchronously, flushed by a timer that does not
// keep the process alive and once more on exit. When the disk is slower than the lines come, lines are dropped and
// counted: a log must not eat the memory of the process beside it.

import { openSync } from 'node:fs';
import { pino } from 'pino';
import { Problem } from './problem.ts';

export type LineWriterOptions = {
  /** A file to append to (created when missing), or an open descriptor such as 1. */
  readonly to: string | number;
  /** Collects this many bytes before it writes; below 64 KiB. 0 writes at once. */
  readonly bufferBytes: number;
  /** Longest time in milliseconds that a line stays in the buffer. */
  readonly flushMs: number;
  /** Bytes that may wait for a slow disk; what comes beyond is dropped. Default 8 MiB. */
  readonly maxPendingBytes?: number;
};

/** Whole lines in, in order; each call is written without another call's bytes inside it. */
export interface LineWriter {
  /**
   * Takes one or more whole lines, each with its line break. Returns false when they were dropped, because the
   * destination is too slow, broken or closed. Never throws and never waits.
   */
  write(lines: string): boolean;
  /** Writes what is buffered before it returns: for the last moments of a process, which may not wait. Never throws. */
  flushSync(): void;
  /** Writes what is buffered and closes the file (not descriptors 1 and 2). Resolves within `graceMs` in any case. */
  close(graceMs: number): Promise<void>;
}

/** What goes to the system in one call: each costs about the same, whatever its size. */
const MAX_WRITE_BYTES = 64 * 2 ** 10;
const DEFAULT_PENDING_BYTES = 8 * 2 ** 20;

/** Throws a Problem (INVALID) when the file cannot be opened; later errors only drop lines. */
export function createLineWriter(options: LineWriterOptions): LineWriter {
  let dropped = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const stream = pino.destination({
    fd: open(options.to),
    sync: false,
    maxWrite: MAX_WRITE_BYTES,
    minLength: options.bufferBytes,
    maxLength: options.maxPendingBytes ?? DEFAULT_PENDING_BYTES,
  });
  stream.on('drop', () => {
    dropped = true;
  });
  // Without a listener an unwritable log would end the process. What could not be written stays buffered and is
  // tried again, except for a pipe that nobody reads any more.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    closed ||= error.code === 'EPIPE';
  });
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (!closed) stream.flush();
  };
  return {
    write(lines) {
      if (closed) return false;
      dropped = false;
      stream.write(lines);
      // The stream's own periodic flush would write empty buffers for ever in an idle process.
      if (options.bufferBytes > 0) timer ??= setTimeout(flush, options.flushMs).unref();
      return !dropped;
    },
    flushSync() {
      clearTimeout(timer);
      if (closed) return;
      try {
        stream.flushSync();
      } catch {
        closed = true;
      }
    },
    close(graceMs) {
      clearTimeout(timer);
      if (closed) return Promise.resolve();
      closed = true;
      return endWithin(stream, graceMs);
    },
  };
}

function endWithin(stream: ReturnType<typeof pino.destination>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, graceMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    stream.once('close', done);
    stream.once('error', done);
    stream.end();
  });
}

function open(to: string | number): number {
  if (typeof to === 'number') return to;
  try {
    return openSync(to, 'a', 0o600);
  } catch (error) {
    throw new Problem(
      'INVALID',
      `cannot write to ${to}: choose a file in a folder that exists and is writable`,
      error,
    );
  }
}
