// The body of a model call: read whole, decoded for reading, parsed; forwarded as it came.

import type { Refusal } from '../../core/refusal.ts';
import { decodeRequestBody, toCoding } from '../protocol/content-encoding.ts';
import type { Protocol, RequestFacts } from '../protocol/protocol.ts';
import { bodyTooLarge, malformed } from './refusals.ts';
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
    else if (read.kind === 'too-large') done(refused(bodyTooLarge(maxBytes)));
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
  if (toCoding(encoding) === 'identity') {
    done(toParsed(protocol, body, body));
    return;
  }
  void decodeRequestBody(body, encoding, maxBytes).then((decoded) => {
    if (decoded.kind === 'decoded') done(toParsed(protocol, decoded.body, body));
    else if (decoded.kind === 'too-large') done(refused(bodyTooLarge(maxBytes)));
    else done(refused(malformed(decoded.problem)));
  });
}

/** Parses what was decoded; what is sent is `sent`, unless it could be read as it came. */
function toParsed(protocol: Protocol, decoded: Buffer, sent: Buffer): ParsedBody {
  const parsed = protocol.parseRequest(decoded);
  if (parsed.kind === 'invalid') return refused(malformed(parsed.problem));
  if (decoded === sent) return { kind: 'parsed', facts: parsed.facts };
  return { kind: 'parsed', facts: { ...parsed.facts, body: sent, usageSpliced: false } };
}

function refused(refusal: Refusal): ParsedBody {
  return { kind: 'refused', refusal };
}
