// Takes the usage event that we asked for out of a stream, and delays nothing else.

const EVENT_END = Buffer.from('\n\n');
const CRLF_EVENT_END = Buffer.from('\r\n\r\n');
const NO_CHOICES = /"choices"\s*:\s*\[\s*\]/;
const USAGE = /"usage"\s*:\s*\{/;

/** Every other event has it, so an unfinished event that shows it can be let through. */
const DELTA = Buffer.from('"delta"');

/** An unfinished event is held back up to here; the usage event is far smaller. */
const MAX_HELD_BYTES = 64 * 1_024;

const NOTHING = Buffer.alloc(0);

/** A filter over the bytes of one stream. */
export class UsageEventFilter {
  /** The beginning of an event that could be the usage event. */
  #held: Buffer = NOTHING;
  /** Inside an event whose beginning was let through. */
  #passing = false;

  /** The bytes that go to the caller now. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    const kept: Buffer[] = [];
    let from = 0;
    for (let end = endOfEvent(bytes, from); end > 0; end = endOfEvent(bytes, from)) {
      const event = bytes.subarray(from, end);
      if (this.#passing || !isUsageEvent(event)) kept.push(event);
      this.#passing = false;
      from = end;
    }
    const rest = bytes.subarray(from);
    if (this.#passing || rest.length > MAX_HELD_BYTES || rest.includes(DELTA)) {
      this.#passing = rest.length > 0;
      kept.push(rest);
    } else {
      // Copied: the chunk's memory belongs to a socket.
      this.#held = Buffer.from(rest);
    }
    return kept.length === 1 ? (kept[0] ?? NOTHING) : Buffer.concat(kept);
  }

  /** What is still held back, when the stream has ended. */
  end(): Buffer {
    const held = this.#held;
    this.#held = NOTHING;
    return held;
  }
}

function endOfEvent(bytes: Buffer, from: number): number {
  const plain = bytes.indexOf(EVENT_END, from);
  const crlf = bytes.indexOf(CRLF_EVENT_END, from);
  if (plain < 0 && crlf < 0) return -1;
  if (crlf < 0 || (plain >= 0 && plain < crlf)) return plain + EVENT_END.length;
  return crlf + CRLF_EVENT_END.length;
}

function isUsageEvent(event: Buffer): boolean {
  if (event.length > MAX_HELD_BYTES || event.includes(DELTA)) return false;
  const text = event.toString('latin1');
  return NO_CHOICES.test(text) && USAGE.test(text);
}
