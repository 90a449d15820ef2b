// Puts a reply on the wire as its behaviour says: late, slowly, encoded, or broken in the way that was asked for.

import type { Behaviour } from './behaviour.ts';
import type { Fault } from './fault.ts';
import type { OpenCall } from './meter.ts';
import { type Reply, type ReplyBody, type SseEvent, toFrame } from './reply.ts';
import { createEncodingSink, createPlainSink, type Exchange, encodeBody, pause, type Sink } from './sink.ts';

/** The cuts of fault.ts. */
type Cut = Extract<Fault, { readonly afterEvents: number | undefined }>;

/** Bytes that leave together, and the output tokens that are generated with them. */
type Piece = { readonly bytes: Buffer; readonly outputTokens: number };

/** Broken in four ways: JSON cut short, a line without a colon, bytes that are not UTF-8, an event without data. */
export const MALFORMED_FRAMES = Buffer.concat([
  Buffer.from('data: {"choices":[{"delta":\n\nneither field nor comment\n\n: '),
  Buffer.from([0xff, 0xfe, 0xc0]),
  Buffer.from('\n\ndata\n\n'),
]);

/** An answer ready to be sent. */
type Delivery = {
  readonly headers: Readonly<Record<string, string>>;
  readonly pieces: Iterable<Piece>;
  readonly delayMs: number;
  readonly sink: Sink;
};

const FLOOD_HEADER_BYTES = 1_024;
const TRAILER = 'x-provider-trailer';

/**
 * Sends `reply` over `exchange`; resolves when all was sent, when its fault was played, or when the caller has gone.
 * Input is billed when the head is sent, output as it is generated. A stalled call stays open until its caller leaves.
 */
export async function transmit(
  reply: Reply,
  behaviour: Behaviour,
  exchange: Exchange,
  call: OpenCall,
): Promise<void> {
  const { response, gone } = exchange;
  const cut = findCut(behaviour.fault);
  if (!(await pause(behaviour.thinkMs, gone))) return;
  if (cut !== undefined && cut.afterEvents === undefined) return playCut(cut.kind, response);

  const delivery =
    reply.body.kind === 'plain'
      ? planPlain(reply.body, behaviour, exchange)
      : planStream(reply.body, behaviour, exchange);
  if (behaviour.earlyHints) response.writeEarlyHints({ link: '</>; rel=preconnect' });
  response.writeHead(reply.status, {
    ...reply.headers,
    ...delivery.headers,
    ...toFaultHeaders(behaviour),
    ...behaviour.headers,
  });
  if (behaviour.trailers) response.addTrailers({ [TRAILER]: 'done' });
  call.answer(reply.status);
  if (reply.charge !== undefined) call.bill(reply.charge);

  const sent = await sendPieces(
    delivery,
    cut?.afterEvents ?? Number.POSITIVE_INFINITY,
    exchange,
    (output) => {
      if (reply.charge === undefined || output === 0) return;
      call.bill({ model: reply.charge.model, tokens: { input: 0, cacheRead: 0, cacheWrite: 0, output } });
    },
  );
  if (!sent) return;
  if (cut === undefined) return delivery.sink.end();
  response.flushHeaders();
  playCut(cut.kind, response);
}

/** True when all pieces, or the first `most` of them, were sent; false when the caller has gone. */
async function sendPieces(
  { pieces, delayMs, sink }: Delivery,
  most: number,
  { gone }: Exchange,
  onGenerated: (outputTokens: number) => void,
): Promise<boolean> {
  let sent = 0;
  for (const { bytes, outputTokens } of pieces) {
    if (sent >= most) return true;
    if (sent > 0 && !(await pause(delayMs, gone))) return false;
    onGenerated(outputTokens);
    if (!(await sink.write(bytes))) return false;
    sent += 1;
  }
  return true;
}

function findCut(fault: Fault): Cut | undefined {
  return fault.kind === 'abort' || fault.kind === 'reset' || fault.kind === 'stall' ? fault : undefined;
}

/** What was written before still reaches the caller: destroySoon and the empty write come after it. */
function playCut(kind: Cut['kind'], { socket }: Exchange['response']): void {
  switch (kind) {
    case 'abort':
      socket?.destroySoon();
      return;
    case 'reset':
      socket?.write('', () => socket.resetAndDestroy());
      return;
    case 'stall':
      return;
  }
}

function planPlain(
  body: Extract<ReplyBody, { kind: 'plain' }>,
  behaviour: Behaviour,
  exchange: Exchange,
): Delivery {
  const { fault, encoding, trailers } = behaviour;
  const bytes = encodeBody(Buffer.from(JSON.stringify(body.json)), encoding);
  const surplusBytes = fault.kind === 'length' ? fault.surplusBytes : 0;
  const half = Math.ceil(bytes.length / 2);
  return {
    headers: {
      'content-type': 'application/json',
      ...(trailers ? {} : { 'content-length': String(Math.max(0, bytes.length + surplusBytes)) }),
      // Without this the caller of a body that ends too early would wait for the keep-alive timeout.
      ...(surplusBytes > 0 ? { connection: 'close' } : {}),
    },
    pieces:
      findCut(fault) === undefined
        ? [{ bytes, outputTokens: body.outputTokens }]
        : [
            { bytes: bytes.subarray(0, half), outputTokens: body.outputTokens },
            { bytes: bytes.subarray(half), outputTokens: 0 },
          ],
    delayMs: 0,
    sink: createSink(fault, exchange),
  };
}

function planStream(
  body: Extract<ReplyBody, { kind: 'events' }>,
  { fault, encoding, eventDelayMs }: Behaviour,
  exchange: Exchange,
): Delivery {
  const sink = createSink(fault, exchange);
  return {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    pieces: toPieces(body.events, fault),
    delayMs: eventDelayMs,
    sink: encoding === 'identity' ? sink : createEncodingSink(sink, encoding, exchange.gone),
  };
}

function createSink(fault: Fault, exchange: Exchange): Sink {
  return createPlainSink(exchange, fault.kind === 'drip' ? fault.gapMs : undefined);
}

function* toPieces(events: Iterable<SseEvent>, fault: Fault): Generator<Piece> {
  let index = 0;
  for (const event of events) {
    const second = index === 1;
    const padding = second && fault.kind === 'long-line' ? 'a'.repeat(fault.paddingBytes) : undefined;
    const frame = toFrame(event, padding);
    const bytes = second && fault.kind === 'malformed' ? Buffer.concat([frame, MALFORMED_FRAMES]) : frame;
    yield { bytes, outputTokens: event.outputTokens };
    index += 1;
  }
}

function toFaultHeaders({ encoding, trailers, fault }: Behaviour): Readonly<Record<string, string>> {
  return {
    ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
    ...(trailers ? { trailer: TRAILER } : {}),
    ...(fault.kind === 'header-flood' ? toFlood(fault.headerBytes) : {}),
  };
}

function toFlood(headerBytes: number): Readonly<Record<string, string>> {
  const count = Math.ceil(headerBytes / FLOOD_HEADER_BYTES);
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`x-flood-${index}`, 'f'.repeat(FLOOD_HEADER_BYTES)]),
  );
}
