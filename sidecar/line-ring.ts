// The newest lines of text in a fixed block of bytes outside the garbage-collected heap: however many calls pass,
// nothing is allocated, and memory that was never needed is never touched.

/** Longest UTF-8 form of one UTF-16 unit. */
const MAX_UNIT_BYTES = 3;

/** Where the line of each sequence number stands, by slot: sequence modulo capacity. */
export class LinePlaces {
  readonly sequences: Float64Array;
  /** Position in the ring, counted in bytes ever put. */
  readonly starts: Float64Array;
  readonly lengths: Uint32Array;

  constructor(capacity: number) {
    this.sequences = new Float64Array(capacity).fill(-1);
    this.starts = new Float64Array(capacity);
    this.lengths = new Uint32Array(capacity);
  }
}

/** Lines by sequence number, in as many LinePlaces as there are kinds of line. */
export class LineRing {
  readonly #block: Buffer;
  /** Bytes ever put, gaps included; a position modulo the size is its place in the block. */
  #head = 0;

  constructor(sizeBytes: number) {
    this.#block = Buffer.allocUnsafeSlow(sizeBytes);
  }

  /**
   * Keeps a line. It is found until `capacity` newer sequences came or about a block of newer bytes, whichever is
   * first. A line that comes after a newer one of its slot, or that could not fit, is left out.
   */
  put(line: string, sequence: number, places: LinePlaces): void {
    const slot = sequence % places.sequences.length;
    const size = this.#block.length;
    const roomBytes = line.length * MAX_UNIT_BYTES;
    if ((places.sequences[slot] ?? 0) > sequence || roomBytes > size) return;
    const offset = this.#head % size;
    // A line is in one piece: what is left at the end of the block is skipped.
    if (offset + roomBytes > size) this.#head += size - offset;
    const start = this.#head;
    const length = this.#block.write(line, start % size);
    this.#head += length;
    places.sequences[slot] = sequence;
    places.starts[slot] = start;
    places.lengths[slot] = length;
  }

  /** The line of that sequence; '' when it is not here, or no longer. */
  get(sequence: number, places: LinePlaces): string {
    const slot = sequence % places.sequences.length;
    const start = places.starts[slot] ?? 0;
    if (places.sequences[slot] !== sequence || this.#head - start > this.#block.length) return '';
    const offset = start % this.#block.length;
    return this.#block.toString('utf8', offset, offset + (places.lengths[slot] ?? 0));
  }
}
