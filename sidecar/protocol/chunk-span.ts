// A stretch of bytes in a stream: used in place when it lies in one chunk, copied only when it crosses into the next.

const EMPTY = Buffer.alloc(0);
const FIRST_BYTES = 1024;

/**
 * Follows one stretch at a time. `begin` it, `carry` it over the end of every chunk that it does not end in, and
 * `finish` it; then `bytes[start, end)` holds it until the next call. A stretch of more than `maxBytes` is not kept;
 * that does not depend on how the stream was cut.
 */
export class ChunkSpan {
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;
  private readonly maxBytes: number;
  /** Where the stretch goes on in the current chunk. */
  private from = 0;
  private store = EMPTY;
  /** Bytes of earlier chunks; they are in `store` unless there are too many. */
  private carried = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** What earlier chunks had of it; undefined when it is too long already. */
  get kept(): Buffer | undefined {
    return this.carried <= this.maxBytes ? this.store.subarray(0, this.carried) : undefined;
  }

  begin(at: number): void {
    this.from = at;
    this.carried = 0;
  }

  /** The stretch goes on in the next chunk; of this one it has what is before `to`. */
  carry(chunk: Buffer, to: number): void {
    this.append(chunk, to);
    this.from = 0;
  }

  /** The stretch ends before `at`. False when it is too long: then it is lost. */
  finish(chunk: Buffer, at: number): boolean {
    if (this.carried === 0) {
      this.bytes = chunk;
      this.start = this.from;
      this.end = at;
    } else {
      this.append(chunk, at);
      this.bytes = this.store;
      this.start = 0;
      this.end = this.carried;
    }
    return this.end - this.start <= this.maxBytes;
  }

  private append(chunk: Buffer, to: number): void {
    const length = this.carried + to - this.from;
    if (length <= this.maxBytes) {
      this.reserve(length);
      chunk.copy(this.store, this.carried, this.from, to);
    }
    this.carried = length;
  }

  private reserve(bytes: number): void {
    if (bytes <= this.store.length) return;
    const grown = Buffer.allocUnsafe(
      Math.max(bytes, Math.min(Math.max(FIRST_BYTES, 2 * this.store.length), this.maxBytes)),
    );
    this.store.copy(grown, 0, 0, this.carried);
    this.store = grown;
  }
}
