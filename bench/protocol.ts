// What does reading a request and an answer cost, against JSON.parse of the same bytes?
//
// JSON.parse is the floor of every proxy that reads bodies the usual way, before it has used a single field. Each pair
// alternates in short slices; a ratio is the median of the ratios of the rounds.

import { openai } from '../sidecar/protocol/openai/protocol.ts';
import type { AnswerHead, RequestFacts } from '../sidecar/protocol/protocol.ts';
import { printRatio, printTable } from './report.ts';
import { alternate } from './slices.ts';

const ROUNDS = 15;
/** Bytes read in one slice: about 10 ms of work. */
const SLICE_BYTES = 8_000_000;

const SENTENCE =
  'The governor holds the engine at one speed: when it turns faster, the valve closes a little. ';
const PLAIN: AnswerHead = { status: 200, contentType: 'application/json', contentEncoding: '' };
const STREAM: AnswerHead = { status: 200, contentType: 'text/event-stream', contentEncoding: '' };
const USAGE = {
  prompt_tokens: 300,
  completion_tokens: 50,
  total_tokens: 350,
  prompt_tokens_details: { cached_tokens: 0 },
};

/** One input and the two ways to read it. Each way returns a number, so that nothing is optimised away. */
type Question = {
  readonly name: string;
  readonly bytes: number;
  readonly ways: readonly { readonly name: 'ours' | 'parse'; readonly read: () => number }[];
};

/** A chat of an agent: prose from the user, tool calls and their JSON results, until it has so many bytes. */
function chatBody(bytes: number): Buffer {
  const messages: object[] = [{ role: 'user', content: SENTENCE.repeat(6) }];
  const result = JSON.stringify(
    Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}`, price: id * 1.5 })),
  );
  for (let turn = 0; JSON.stringify(messages).length < bytes; turn += 1) {
    const call = { name: 'search', arguments: JSON.stringify({ query: `item ${turn}`, limit: 20 }) };
    messages.push({
      role: 'assistant',
      content: null,
      tool_calls: [{ id: `call_${turn}`, type: 'function', function: call }],
    });
    messages.push({ role: 'tool', tool_call_id: `call_${turn}`, content: result });
    messages.push({ role: 'user', content: SENTENCE.repeat(4) });
  }
  return Buffer.from(
    JSON.stringify({ model: 'gpt-5.4-mini', messages, temperature: 0.7, max_tokens: 500, user: 'alice' }),
  );
}

function factsOf(body: Buffer): RequestFacts {
  const parsed = openai.parseRequest(body);
  if (parsed.kind === 'invalid') throw new Error(parsed.problem);
  return parsed.facts;
}

function chunkOf(content: object): Buffer {
  const head = {
    id: 'chatcmpl-Cx',
    object: 'chat.completion.chunk',
    created: 1_795_449_600,
    model: 'gpt-5.4-mini',
    service_tier: 'default',
    system_fingerprint: 'fp_a7',
  };
  return Buffer.from(`data: ${JSON.stringify({ ...head, ...content })}\n\n`);
}

/** A stream of 50 words, an event in each chunk, with the usage event that we asked for. */
function streamChunks(): readonly Buffer[] {
  const words = Array.from({ length: 50 }, (_, n) => ({
    choices: [{ index: 0, delta: { content: ` word${n}` }, finish_reason: null }],
    usage: null,
  }));
  return [...words.map(chunkOf), chunkOf({ choices: [], usage: USAGE }), Buffer.from('data: [DONE]\n\n')];
}

function plainAnswer(): Buffer {
  const message = { role: 'assistant', content: SENTENCE.repeat(7), refusal: null };
  return Buffer.from(
    JSON.stringify({
      id: 'chatcmpl-Cx',
      object: 'chat.completion',
      model: 'gpt-5.4-mini',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: USAGE,
    }),
  );
}

function requestQuestion(name: string, bytes: number): Question {
  const body = chatBody(bytes);
  return {
    name,
    bytes: body.length,
    ways: [
      { name: 'ours', read: () => factsOf(body).features.messages },
      { name: 'parse', read: () => JSON.parse(body.toString()).messages.length },
    ],
  };
}

function plainQuestion(): Question {
  const answer = plainAnswer();
  const facts = factsOf(chatBody(1));
  return {
    name: 'plain_answer_1kb',
    bytes: answer.length,
    ways: [
      {
        name: 'ours',
        read: () => {
          const reader = openai.createUsageReader(facts, PLAIN);
          return (
            reader.push(answer).length + reader.end().length + (reader.usage()?.outputTokens ?? Number.NaN)
          );
        },
      },
      { name: 'parse', read: () => JSON.parse(answer.toString()).usage.completion_tokens },
    ],
  };
}

function streamQuestion(): Question {
  const chunks = streamChunks();
  const facts = factsOf(Buffer.from('{"stream":true}'));
  return {
    name: 'stream_50_events',
    bytes: chunks.reduce((sum, { length }) => sum + length, 0),
    ways: [
      {
        name: 'ours',
        read: () => {
          const reader = openai.createUsageReader(facts, STREAM);
          let bytes = 0;
          for (const chunk of chunks) bytes += reader.push(chunk).length;
          return bytes + reader.end().length + (reader.usage()?.outputTokens ?? Number.NaN);
        },
      },
      {
        name: 'parse',
        read: () => {
          let created = 0;
          for (const chunk of chunks) {
            const data = chunk.toString().slice('data: '.length);
            if (data.startsWith('{')) created += JSON.parse(data).created;
          }
          return created;
        },
      },
    ],
  };
}

async function measure({ name, bytes, ways }: Question): Promise<string[]> {
  const reads = Math.ceil(SLICE_BYTES / bytes);
  const slice = async ({ read }: (typeof ways)[number]) => {
    let sink = 0;
    const startedNs = process.hrtime.bigint();
    for (let done = 0; done < reads; done += 1) sink += read();
    const micros = Number(process.hrtime.bigint() - startedNs) / reads / 1_000;
    if (!(sink > 0)) throw new Error(`${name}: nothing was read`);
    return { micros };
  };
  await alternate(ways, 3, slice);
  const slices = await alternate(ways, ROUNDS, slice);
  printRatio(`${name}_vs_json_parse`, slices.ratio('ours', 'parse', 'micros'));
  return [
    name,
    String(bytes),
    slices.median('ours', 'micros').toFixed(2),
    slices.median('parse', 'micros').toFixed(2),
  ];
}

const rows: string[][] = [];
for (const question of [
  requestQuestion('request_1kb', 1),
  requestQuestion('request_100kb', 100_000),
  requestQuestion('request_1mb', 1_000_000),
  plainQuestion(),
  streamQuestion(),
]) {
  rows.push(await measure(question));
}
printTable(['', 'bytes', 'flyball us', 'JSON.parse us'], rows);
