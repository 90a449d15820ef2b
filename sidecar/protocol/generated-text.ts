// Bytes of generated text in an answer, for the estimate when no usage is reported.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Counts the bytes of the string values of some members, as JSON writes them. Values cut by a chunk count up to the cut. */
export class GeneratedText {
  bytes = 0;
  readonly #openings: readonly Buffer[];

  /** `members`: names whose string values are generated text. */
  constructor(openings: readonly Buffer[]) {
    this.#openings = openings;
  }

  /** Looks at the next bytes. */
  push(chunk: Buffer): void {
    for (const opening of this.#openings) {
      for (let at = chunk.indexOf(opening); at >= 0; at = chunk.indexOf(opening, at)) {
        const start = at + opening.length;
        at = endOfString(chunk, start);
        this.bytes += at - start;
      }
    }
  }
}

/** What stands before a value: `"content":"`. */
export function openingOf(member: string): Buffer {
  return Buffer.from(`"${member}":"`);
}

function endOfString(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(QUOTE, start); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === BACKSLASH && at - 1 - slashes >= start) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return bytes.length;
}
