import { describe, expect, it } from 'vitest';
import { anthropic } from '../../../../sidecar/protocol/anthropic/protocol.ts';
import type { UsageReader } from '../../../../sidecar/protocol/protocol.ts';
import { bytewise, coarseAndFine, everyCut, inPieces } from '../cuts.ts';
import { factsWith, readFixture, readThrough, STREAM } from '../transcript.ts';

const reader = (): UsageReader => anthropic.createUsageReader(factsWith({ stream: true }), STREAM);

const event = (data: Readonly<Record<string, unknown>> & { readonly type: string }): string =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const start = (usage: object): string =>
  event({ type: 'message_start', message: { id: 'msg', content: [], usage } });
const delta = (usage: unknown): string =>
  event({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage });

describe.each([
  [
    'anthropic-text.sse',
    { inputTokens: 25, cacheReadTokens: 2_048, cacheWriteTokens: 512, outputTokens: 15 },
    'A governor «holds» the \\"usage\\": { down.end_turn',
  ],
  [
    'anthropic-tools.sse',
    { inputTokens: 480, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 89 },
    'The user wants…{\\"city\\":\\"Lyon\\"}tool_use',
  ],
])('the stream %s', (name, usage, written) => {
  const bytes = readFixture(name);

  it('is read the same wherever it is cut, and passes as it came', () => {
    const expected = { out: bytes.toString('latin1'), usage, outputBytes: Buffer.byteLength(written) };
    for (const chunks of everyCut(bytes)) expect(readThrough(reader(), chunks)).toEqual(expected);
  });

  it('may end its lines in CRLF or CR', () => {
    for (const end of ['\r\n', '\r']) {
      const other = Buffer.from(bytes.toString().replaceAll('\n', end));
      expect(readThrough(reader(), bytewise(other))).toMatchObject({ usage, out: other.toString('latin1') });
    }
  });
});

describe('usage in a stream', () => {
  it.each([
    [
      'takes the last count and never sums',
      [
        start({ input_tokens: 9, output_tokens: 1 }),
        delta({ output_tokens: 10 }),
        delta({ output_tokens: 25 }),
      ],
      [9, 0, 0, 25],
    ],
    [
      'keeps what a delta leaves out',
      [
        start({
          input_tokens: 9,
          cache_read_input_tokens: 3,
          cache_creation_input_tokens: 2,
          output_tokens: 1,
        }),
        delta({ output_tokens: 4 }),
      ],
      [9, 3, 2, 4],
    ],
    [
      'keeps what a delta has as null',
      [
        start({ input_tokens: 9, cache_read_input_tokens: 3, output_tokens: 1 }),
        delta({ input_tokens: null, cache_read_input_tokens: null, output_tokens: 4 }),
      ],
      [9, 3, 0, 4],
    ],
    [
      'takes the input from a delta that has it',
      [
        start({ input_tokens: 0, output_tokens: 0 }),
        delta({ input_tokens: 50, cache_read_input_tokens: 7, output_tokens: 4 }),
      ],
      [50, 7, 0, 4],
    ],
    [
      'takes an explicit zero for a zero',
      [start({ input_tokens: 9, output_tokens: 3 }), delta({ output_tokens: 0 })],
      [9, 0, 0, 0],
    ],
    [
      'knows the input of a stream that was cut',
      [start({ input_tokens: 9, output_tokens: 1 })],
      [9, 0, 0, 1],
    ],
    [
      'ignores what is no count',
      [
        start({ input_tokens: 9, output_tokens: 1 }),
        delta({ output_tokens: -4, input_tokens: 1e99, cache_read_input_tokens: '7' }),
      ],
      [9, 0, 0, 1],
    ],
    ['ignores usage of null', [start({ input_tokens: 9, output_tokens: 1 }), delta(null)], [9, 0, 0, 1]],
    [
      'ignores usage in other places',
      [
        start({ input_tokens: 9, output_tokens: 1 }),
        event({
          type: 'content_block_start',
          content_block: { usage: { output_tokens: 99 }, input: { usage: { input_tokens: 99 } } },
        }),
      ],
      [9, 0, 0, 1],
    ],
    [
      'ignores an event that is not JSON',
      [start({ input_tokens: 9, output_tokens: 1 }), 'data: {"usage":{"output_tokens":99}\n\n'],
      [9, 0, 0, 1],
    ],
    ['reports nothing when nothing is reported', [event({ type: 'ping' }), start({})], undefined],
  ])('%s', (_name, events, expected) => {
    const bytes = Buffer.from(events.join(''));
    for (const chunks of coarseAndFine(bytes)) {
      const usage = readThrough(reader(), chunks).usage;
      expect(
        usage && [usage.inputTokens, usage.cacheReadTokens, usage.cacheWriteTokens, usage.outputTokens],
      ).toEqual(expected);
    }
  });

  it('is found behind a line of 10 MiB', () => {
    const long = `data: {"type":"content_block_delta","delta":{"text":"${'a'.repeat(10_485_760)}"}}\n\n`;
    const bytes = Buffer.from(
      start({ input_tokens: 9, output_tokens: 1 }) + long + delta({ output_tokens: 7 }),
    );
    expect(readThrough(reader(), inPieces(bytes, 65_536))).toMatchObject({
      usage: { inputTokens: 9, outputTokens: 7 },
    });
  });
});
