// What can go wrong on purpose between a good answer and the caller.

/** Written `kind` or `kind:amount`; see parseFault. */
export type Fault =
  | { readonly kind: 'none' }
  /**
   * The head and `afterEvents` events are sent (of a plain answer: halves of its body), then: abort closes the
   * connection, reset resets it, stall sends nothing more for ever. Undefined: this comes before the head.
   */
  | { readonly kind: 'abort' | 'reset' | 'stall'; readonly afterEvents: number | undefined }
  /**
   * The Content-Length of a plain answer is this much too large (the connection closes early) or, below 0, too small
   * (the rest of the body follows on a connection that stays open).
   */
  | { readonly kind: 'length'; readonly surplusBytes: number }
  /** Frames that are broken in several ways follow the second event of a stream; then it goes on and ends well. */
  | { readonly kind: 'malformed' }
  /** The second event of a stream carries a field `padding` of this many bytes, in one line. */
  | { readonly kind: 'long-line'; readonly paddingBytes: number }
  /** The head carries headers of this many bytes altogether. */
  | { readonly kind: 'header-flood'; readonly headerBytes: number }
  /** The body arrives byte by byte with this pause between them. */
  | { readonly kind: 'drip'; readonly gapMs: number };

const PATTERN = /^([a-z-]+)(?::(-?\d{1,9}))?$/;

/**
 * Reads `none`, `abort`, `abort:3`, `reset`, `reset:3`, `stall`, `stall:3`, `length:10`, `length:-10`, `malformed`,
 * `long-line` (10 MB) or `long-line:70000`, `header-flood` (1 MiB) or `header-flood:20000`, `drip` (1 ms) or `drip:20`.
 * Undefined for anything else.
 */
export function parseFault(text: string): Fault | undefined {
  const [, kind, amountText] = PATTERN.exec(text) ?? [];
  const amount = amountText === undefined ? undefined : Number(amountText);
  if (kind === 'length') return { kind, surplusBytes: amount ?? 10 };
  if (amount !== undefined && amount < 0) return undefined;
  switch (kind) {
    case 'none':
    case 'malformed':
      return amount === undefined ? { kind } : undefined;
    case 'abort':
    case 'reset':
    case 'stall':
      return { kind, afterEvents: amount };
    case 'long-line':
      return { kind, paddingBytes: amount ?? 10_000_000 };
    case 'header-flood':
      return { kind, headerBytes: amount ?? 1_048_576 };
    case 'drip':
      return { kind, gapMs: amount ?? 1 };
    default:
      return undefined;
  }
}
