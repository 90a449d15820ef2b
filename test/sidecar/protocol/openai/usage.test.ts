import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Usage } from '../../../../core/usage.ts';
import { openai } from '../../../../sidecar/protocol/openai/protocol.ts';
import type { UsageReader } from '../../../../sidecar/protocol/protocol.ts';
import { bytewise, coarseAndFine, cutsOf, everyCut, inPieces } from '../cuts.ts';
import { factsWith, readFixture, readThrough, STREAM } from '../transcript.ts';

const reader = (usageSpliced: boolean): UsageReader =>
  openai.createUsageReader(factsWith({ stream: true, usageSpliced }), STREAM);

const usageOf = (input: number, cacheRead: number, cacheWrite: number, output: number): Usage => ({
  inputTokens: input,
  cacheReadTokens: cacheRead,
  cacheWriteTokens: cacheWrite,
  outputTokens: output,
});

/** The events of a stream with their empty lines. */
function eventsOf(text: string): string[] {
  return text.split(/(?<=\n\n|\r\n\r\n|\r\r)/);
}

function dataOf(event: string): Record<string, unknown> {
  const data = /^data: ?(\{.*)$/m.exec(event)?.[1];
  return data === undefined ? {} : JSON.parse(data);
}

/** The dumb twin: every event parsed; what a caller who did not ask for usage should get. */
function twinOf(text: string): { readonly out: string; readonly usage: unknown } {
  const events = eventsOf(text);
  const isExtra = (event: string) => {
    const { choices, usage } = dataOf(event);
    return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object' && usage !== null;
  };
  return {
    // An empty line in front of an event belongs to none.
    out: events.map((event) => (isExtra(event) ? (/^\n*/.exec(event)?.[0] ?? '') : event)).join(''),
    usage: events
      .map((event) => dataOf(event).usage)
      .findLast((usage) => typeof usage === 'object' && usage !== null),
  };
}

const FIXTURES = [
  // The bytes of all content, refusals and arguments, as they are written.
  [
    'openai-text.sse',
    usageOf(20, 128, 0, 23),
    'The flyball governor keeps an engine at one speed, said \\"Watt\\".\\n 蒸気 🚂',
    true,
  ],
  [
    'openai-tools.sse',
    usageOf(48, 0, 100, 41),
    'functionget_weather{\\"city\\":\\"Lyon\\",\\"unit\\":\\"C\\"}'.replace('function', ''),
    true,
  ],
  ['python-server.sse', usageOf(9, 0, 0, 4), 'One two three', false],
  ['azure.sse', usageOf(20, 128, 0, 23), 'Yes.', true],
] as const;

describe.each(FIXTURES)('the stream %s', (name, usage, written, hasExtra) => {
  const bytes = readFixture(name);
  const text = bytes.toString('latin1');
  const expected = { usage, outputBytes: Buffer.byteLength(written) };

  it('is read the same wherever it is cut, and passes as it came', () => {
    for (const chunks of everyCut(bytes)) {
      expect(readThrough(reader(false), chunks)).toEqual({ ...expected, out: text });
    }
  });

  it('loses the event that we asked for, and nothing else, wherever it is cut', () => {
    const { out } = twinOf(text);
    expect(out !== text).toBe(hasExtra);
    for (const chunks of everyCut(bytes)) {
      expect(readThrough(reader(true), chunks)).toEqual({ ...expected, out });
    }
  });

  it('may end its lines in CRLF or CR', () => {
    for (const end of ['\r\n', '\r']) {
      const other = Buffer.from(text.replaceAll('\n', end), 'latin1');
      const { out } = twinOf(text);
      for (const chunks of everyCut(other)) {
        expect(readThrough(reader(true), chunks)).toEqual({ ...expected, out: out.replaceAll('\n', end) });
      }
    }
  });
});

const EXTRA = 'data: {"id":"x","choices":[],"usage":{"prompt_tokens":2,"completion_tokens":1}}';
const CONTENT = 'data: {"id":"x","choices":[{"index":0,"delta":{"content":"hi"}}],"usage":null}\n\n';

describe('the event that we asked for', () => {
  it('is told from all others as by parsing each event, however the stream is cut', () => {
    const choices = fc.constantFrom(
      '[]',
      '[ ]',
      '[{"delta":{"content":"a"}}]',
      '[{"usage":{"prompt_tokens":5}}]',
      'null',
      '{}',
    );
    const usage = fc.constantFrom(
      'null',
      '{}',
      '{"prompt_tokens":7,"completion_tokens":1}',
      '{ "prompt_tokens" : 8 }',
      '7',
      '"usage"',
    );
    const data = fc
      .record({
        first: fc.constantFrom('', '"id":"choices",', '"text":"\\"choices\\":[{",'),
        choices,
        usage,
        isReversed: fc.boolean(),
      })
      .map(({ first, choices: c, usage: u, isReversed }) =>
        isReversed ? `{${first}"usage":${u},"choices": ${c}}` : `{${first}"choices":${c},"usage": ${u}}`,
      );
    const event = fc.oneof(
      data.map((json) => `data: ${json}\n\n`),
      data.map((json) => `event: message\nid: 7\ndata:${json}\n\n`),
      fc.constantFrom(': ping\n\n', 'data: [DONE]\n\n', '\n', 'event: x\n\n', 'data: broken {"usage":{\n\n'),
    );
    const cutStream = fc.array(event, { maxLength: 6 }).chain((events) => {
      const bytes = Buffer.from(events.join(''));
      return cutsOf(bytes).map((chunks) => ({ bytes, chunks }));
    });
    fc.assert(
      fc.property(cutStream, ({ bytes, chunks }) => {
        const text = bytes.toString('latin1');
        const { out } = twinOf(text.replaceAll('data: broken', 'ignored: '));
        const expected = out.replaceAll('ignored: ', 'data: broken');
        const whole = readThrough(reader(true), [bytes]);
        expect(whole.out).toBe(expected);
        expect(readThrough(reader(true), chunks)).toEqual(whole);
        expect(readThrough(reader(true), bytewise(bytes))).toEqual(whole);
        expect(readThrough(reader(false), chunks)).toEqual({ ...whole, out: text });
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    [
      'it brings a moderation result',
      '{"choices":[],"usage":{"prompt_tokens":1},"moderation":{"flagged":true}}',
    ],
    ['it brings an error', '{"choices":[],"usage":{"prompt_tokens":1},"error":{"message":"x"}}'],
    ['its choices are not empty', '{"choices":[{}],"usage":{"prompt_tokens":1}}'],
    ['it has no choices at all', '{"usage":{"prompt_tokens":1}}'],
    ['it has no usage', '{"choices":[],"usage":null}'],
    ['it is not JSON', '{"choices":[],"usage":{"prompt_tokens":1}}}'],
    ['it is cut off', '{"choices":[],"usage":{"prompt_tokens":1}'],
  ])('stays where %s', (_name, json) => {
    const bytes = Buffer.from(`data: ${json}\n\ndata: [DONE]\n\n`);
    for (const chunks of coarseAndFine(bytes)) {
      expect(readThrough(reader(true), chunks).out).toBe(bytes.toString());
    }
  });

  it.each([
    ['nothing behind it', EXTRA],
    ['one line end behind it', `${EXTRA}\n`],
    ['a CR behind it', `${EXTRA}\r`],
    ['CR and CR behind it', `${EXTRA}\r\r`],
    ['a field in front of it', `event: message\n${EXTRA}\n`],
  ])('is taken out of a stream that ends with %s', (_name, end) => {
    const bytes = Buffer.from(CONTENT + end);
    for (const chunks of coarseAndFine(bytes)) {
      expect(readThrough(reader(true), chunks)).toEqual({
        out: CONTENT,
        usage: usageOf(2, 0, 0, 1),
        outputBytes: 2,
      });
    }
  });

  it.each([
    ['behind', `${EXTRA}\ndata: more\n\n`],
    ['in front of', `data: more\n${EXTRA}\n\n`],
  ])('stays when other data stands %s it in the same event', (_name, text) => {
    const bytes = Buffer.from(text);
    for (const chunks of coarseAndFine(bytes))
      expect(readThrough(reader(true), chunks).out).toBe(bytes.toString());
  });

  it('is taken out as often as it comes', () => {
    const text = `${EXTRA}\n\n${CONTENT}${EXTRA}\n\n`;
    expect(readThrough(reader(true), [Buffer.from(text)]).out).toBe(CONTENT);
  });

  it('stays in a plain answer and in one that is not a stream', () => {
    const facts = factsWith({ stream: true, usageSpliced: true });
    const text = '{"error":{"message":"no"}}';
    const head = { status: 400, contentType: 'application/json', contentEncoding: '' };
    expect(readThrough(openai.createUsageReader(facts, head), [Buffer.from(text)]).out).toBe(text);
  });
});

describe('holding back', () => {
  it('never delays an event that is whole, or the part of one that cannot be the one we asked for', () => {
    const passing = reader(true);
    const first = Buffer.from(`${CONTENT}: ping\n\n`);
    expect(passing.push(first)).toBe(first);
    const cases: readonly (readonly [chunk: string, passes: string])[] = [
      [': pi', ': pi'],
      ['ng\n\n', 'ng\n\n'],
      ['data: {"id":"x","cho', ''],
      ['ices":[', ''],
      ['{"index"', 'data: {"id":"x","choices":[{"index"'],
      [':0}]}\n\ndata: [', ':0}]}\n\ndata: ['],
      ['DONE]\n\n', 'DONE]\n\n'],
      ['event: x\n', ''],
      ['data: {"choices":[', ''],
      ['],"usage":{"prompt_tokens":1}}\n\ndata: {"a', ''],
      ['":1}\n\n', 'data: {"a":1}\n\n'],
    ];
    expect(cases.map(([chunk]) => passing.push(Buffer.from(chunk)).toString())).toEqual(
      cases.map(([, passes]) => passes),
    );
    expect(passing.end()).toHaveLength(0);
  });

  it.each([
    ['a line', 'data: {"id":"', 'x'],
    ['fields', '', 'event: x\n'],
  ])('lasts for at most 64 KiB of %s', (_name, start, unit) => {
    const passing = reader(true);
    let pushed = passing.push(Buffer.from(start)).length - start.length;
    let most = 0;
    const chunk = Buffer.from(unit.repeat(1_000));
    for (let round = 0; round < 100; round += 1) {
      pushed += passing.push(chunk).length - chunk.length;
      most = Math.max(most, -pushed);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(65_536);
    expect(pushed).toBe(0);
  });
});

describe('a hostile stream', () => {
  it('with a line of 10 MiB passes it, and reads what comes behind', () => {
    const text = `data: {"choices":[],"usage":{"prompt_tokens":9},"x":"${'a'.repeat(10_485_760)}"}\n\n${EXTRA}\n\n`;
    const bytes = Buffer.from(text);
    const { out, usage } = readThrough(reader(true), inPieces(bytes, 65_536));
    expect(out).toBe(text.slice(0, text.length - EXTRA.length - 2));
    expect(usage).toEqual(usageOf(2, 0, 0, 1));
  });

  it('may be any bytes: what goes to the caller is what came', () => {
    const pieces = fc.constantFrom(
      'data:',
      ' ',
      '{',
      '}',
      '"choices"',
      '"usage"',
      '"delta"',
      ':',
      '[',
      ']',
      '\n',
      '\r',
      '"',
      '\\',
      '\xff',
      '\xe2\x82',
      ':',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (each) => {
        const bytes = Buffer.from(each.join(''), 'latin1');
        expect(readThrough(reader(false), bytewise(bytes)).out).toBe(bytes.toString('latin1'));
        const swallowing = readThrough(reader(true), [bytes]);
        expect(readThrough(reader(true), bytewise(bytes))).toEqual(swallowing);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['twice, the last report wins', [EXTRA.replace('2', '5'), EXTRA], usageOf(2, 0, 0, 1)],
    ['and then null, the report stays', [EXTRA, 'data: {"choices":[],"usage":null}'], usageOf(2, 0, 0, 1)],
    [
      'with a negative count, it reports the rest',
      ['data: {"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":4}}'],
      usageOf(0, 0, 0, 4),
    ],
    [
      'with huge counts, it reports nothing',
      ['data: {"choices":[],"usage":{"prompt_tokens":1e30,"completion_tokens":1e99}}'],
      undefined,
    ],
    ['inside a choice, it reports nothing', ['data: {"choices":[{"usage":{"prompt_tokens":4}}]}'], undefined],
    [
      'in text, it reports nothing',
      ['data: {"choices":[{"delta":{"content":"\\"usage\\":{\\"prompt_tokens\\":4}"}}]}'],
      undefined,
    ],
  ])('that reports usage %s', (_name, lines, expected) => {
    expect(readThrough(reader(false), [Buffer.from(`${lines.join('\n\n')}\n\n`)]).usage).toEqual(expected);
  });
});
