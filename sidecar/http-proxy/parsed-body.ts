// The body of a model call: read whole, decoded for reading, parsed; forwarded as it came.

import type { Refusal } from '../../core/refusal.ts';
import { decodeRequestBody } from '../protocol/content-encoding.ts';
import type { Protocol, RequestFacts } from '../protocol/protocol.ts';
import { type Messages, readBody } from './request-body.ts';

export type ParsedBody =
  | { readonly kind: 'parsed'; readonly facts: RequestFacts }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The client went away before the end of the body. */
  | { readonly kind: 'gone' };

/** Reads and parses; calls `done` once. `maxBytes` bounds the body as sent and as decoded. */
export function readParsedBody(
  messages: Messages,
  protocol: Protocol,
  maxBytes: number,
  done: (parsed: ParsedBody) => void,
): void {
  readBody(messages, maxBytes, (read) => {
    if (read.kind === 'gone') done(read);
    else if (read.kind === 'too-large') done(tooLarge(maxBytes));
    else
      parseBody(
        read.body,
        protocol,
        { encoding: messages.request.headers['content-encoding'] ?? '', maxBytes },
        done,
      );
  });
}

function parseBody(
  body: Buffer,
  protocol: Protocol,
  { encoding, maxBytes }: { readonly encoding: string; readonly maxBytes: number },
  done: (parsed: ParsedBody) => void,
): void {
  if (encoding === '' || encoding === 'identity') {
    done(toParsed(protocol, body, body));
    return;
  }
  void decodeRequestBody(body, encoding, maxBytes).then((decoded) => {
    if (decoded.kind === 'decoded') done(toParsed(protocol, decoded.body, body));
    else if (decoded.kind === 'too-large') done(tooLarge(maxBytes));
    else done(invalid(decoded.problem));
  });
}

/** Parses what was decoded; what is sent is `sent`, unless it could be read as it came. */
function toParsed(protocol: Protocol, decoded: Buffer, sent: Buffer): ParsedBody {
  const parsed = protocol.parseRequest(decoded);
  if (parsed.kind === 'invalid') return invalid(parsed.problem);
  if (decoded === sent) return { kind: 'parsed', facts: parsed.facts };
  return { kind: 'parsed', facts: { ...parsed.facts, body: sent, usageSpliced: false } };
}

function tooLarge(maxBytes: number): ParsedBody {
  return {
    kind: 'refused',
    refusal: {
      class: 'TOO_LARGE',
      reason: 'BODY_TOO_LARGE',
      waitMs: 0,
      violations: [],
      detail: `The request body is larger than ${maxBytes} bytes.`,
    },
  };
}

function invalid(problem: string): ParsedBody {
  return {
    kind: 'refused',
    refusal: { class: 'INVALID', reason: 'MALFORMED_REQUEST', waitMs: 0, violations: [], detail: problem },
  };
}
