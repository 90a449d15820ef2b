// The cheapest provider that answers always alike: raw sockets, canned bytes, and as much of HTTP/1.1 as that takes.
//
// A path with `?pace=N` is answered by 50 server-sent events and a usage event, N milliseconds apart; every other path by
// a chat completion. Paced events say when they were sent, so that a client can tell how long they travelled.
// Ends when its standard input ends. Run: node bench/upstream.ts

import { createServer, type Socket } from 'node:net';
import { serveUntilStdinEnds } from './pinned-main.ts';

/** Events of one stream, the usage event not counted. */
const EVENTS = 50;

const USAGE = { prompt_tokens: 260, completion_tokens: 50, total_tokens: 310 };

const COMPLETION = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_767_225_600,
  model: 'gpt-4o-mini',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'The governor keeps the engine at its speed. '.repeat(6) },
      finish_reason: 'stop',
    },
  ],
  usage: USAGE,
});

const PLAIN_ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${COMPLETION.length}\r\nx-request-id: bench\r\n\r\n${COMPLETION}`,
);
const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nx-request-id: bench\r\n\r\n',
);
const WORD_EVENT = toEvent(0);
const USAGE_EVENT = toChunk(
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', model: 'gpt-4o-mini', choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`,
);
const STREAM_END = Buffer.from('0\r\n\r\n');

const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** An event with one word. Its moment stands in a field that readers of the protocol pass over. */
function toEvent(sentMicros: number): Buffer {
  const delta = { index: 0, delta: { content: ' engine' }, finish_reason: null };
  return toChunk(
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', model: 'gpt-4o-mini', sentMicros, choices: [delta] })}\n\n`,
  );
}

function toChunk(text: string): Buffer {
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}

/** Answers the requests of one connection. The next one comes after the answer: nobody here pipelines. */
function serve(socket: Socket): void {
  let held: Buffer = NOTHING;
  let head = '';
  let bodyLeft = 0;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (head === '') {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const headEnd = held.indexOf(HEAD_END);
      if (headEnd < 0) return;
      head = held.toString('latin1', 0, headEnd);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      bodyLeft = length - (held.length - headEnd - HEAD_END.length);
      held = NOTHING;
    } else bodyLeft -= chunk.length;
    if (bodyLeft > 0) return;
    answer(socket, head);
    head = '';
  });
}

function answer(socket: Socket, head: string): void {
  const pace = /^[^\r]*[?&]pace=(\d+)/.exec(head)?.[1];
  if (pace === undefined) {
    socket.write(PLAIN_ANSWER);
    return;
  }
  socket.write(STREAM_HEAD);
  if (pace === '0') {
    for (let i = 0; i < EVENTS; i++) socket.write(WORD_EVENT);
    socket.write(USAGE_EVENT);
    socket.write(STREAM_END);
    return;
  }
  let sent = 0;
  const stop = (): void => clearInterval(timer);
  const timer = setInterval(() => {
    if (sent++ < EVENTS) {
      socket.write(toEvent(Number(process.hrtime.bigint() / 1_000n)));
      return;
    }
    stop();
    socket.off('close', stop);
    socket.write(Buffer.concat([USAGE_EVENT, STREAM_END]));
  }, Number(pace));
  socket.once('close', stop);
}

serveUntilStdinEnds(createServer(serve));
