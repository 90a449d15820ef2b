import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../../sidecar/protocol/openai/request.ts';
import type { RequestFacts } from '../../../../sidecar/protocol/protocol.ts';
import { message, text, tool } from '../chat-content.ts';
import { countContent, jsonBytes, reorder, toPlainInput } from '../plain-input.ts';

function parse(body: string): RequestFacts {
  const parsed = parseRequest(Buffer.from(body));
  if (parsed.kind === 'invalid') throw new Error(parsed.problem);
  return parsed.facts;
}

function problemOf(body: string | Buffer): string | undefined {
  const parsed = parseRequest(Buffer.from(body));
  return parsed.kind === 'invalid' ? parsed.problem : undefined;
}

const count = fc.oneof(fc.nat(100_000), fc.constant(null));
const id = fc.stringMatching(/^[a-z0-9é-]{0,12}$/);
const chatRequest = fc.record(
  {
    model: fc.stringMatching(/^[a-z0-9.-]{0,20}$/),
    stream: fc.constantFrom(true, true, false, null),
    stream_options: fc.constantFrom<unknown>(
      null,
      {},
      { include_usage: true },
      { include_usage: false },
      { include_obfuscation: false },
      { include_obfuscation: true, include_usage: false },
    ),
    max_tokens: count,
    max_completion_tokens: count,
    n: count,
    best_of: count,
    user: fc.option(id),
    safety_identifier: fc.option(id),
    prompt_cache_key: fc.option(id),
    messages: fc.array(message, { maxLength: 3 }),
    prediction: fc.record({ type: fc.constant('content'), content: text }),
    tools: fc.array(tool, { maxLength: 2 }),
    functions: fc.array(tool, { maxLength: 2 }),
    response_format: fc.option(fc.record({ type: fc.constant('json_schema'), json_schema: tool })),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    unheard_of: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
type ChatRequest = typeof chatRequest extends fc.Arbitrary<infer Value> ? Value : never;

/** The dumb twin: the whole document as values, each field by its name. */
function twinOf(request: ChatRequest) {
  const caps = [request.max_tokens, request.max_completion_tokens].filter((each) => typeof each === 'number');
  const choices = Math.max(1, request.n ?? 1, request.best_of ?? 1);
  const contents = [
    ...(request.messages ?? []),
    ...(request.prediction === undefined ? [] : [request.prediction]),
  ].map(countContent);
  const schemas = [request.tools, request.functions, request.response_format].filter(
    (each) => each !== undefined && each !== null,
  );
  return {
    model: request.model ?? '',
    stream: request.stream ?? false,
    maxOutputTokens: caps.length === 0 ? undefined : Math.max(...caps) * choices,
    user: request.safety_identifier || request.user || undefined,
    session: request.prompt_cache_key || undefined,
    input: {
      textBytes:
        contents.reduce((sum, { textBytes }) => sum + textBytes, 0) +
        schemas.reduce((sum, schema) => sum + jsonBytes(schema), 0),
      media: contents.reduce((sum, { media }) => sum + media, 0),
      messages: request.messages?.length ?? 0,
      tools: (request.tools?.length ?? 0) + (request.functions?.length ?? 0),
    },
  };
}

describe('a chat completions request', () => {
  it('says what the whole document as values says', () => {
    fc.assert(
      fc.property(reorder(chatRequest), (request) => {
        const { model, stream, maxOutputTokens, user, session, features } = parse(JSON.stringify(request));
        expect({ model, stream, maxOutputTokens, user, session, input: toPlainInput(features) }).toEqual(
          twinOf(request),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('is spaced and ordered as its writer likes', () => {
    const facts = parse(
      '\ufeff\n{ "user" : "u" ,\t"messages":[ { "content" : "hi" , "role" : "user" } ] , "max_tokens" : 7 , "n":2,\r\n"model" : "m" }\n',
    );
    expect(facts).toMatchObject({
      model: 'm',
      maxOutputTokens: 14,
      user: 'u',
      features: { proseBytes: 2, messages: 1 },
    });
  });

  it.each([
    ['the larger of both names', '{"max_tokens":10,"max_completion_tokens":1000}', 1_000],
    ['times the choices', '{"max_tokens":10,"n":3}', 30],
    ['times the larger of n and best_of', '{"max_tokens":10,"n":3,"best_of":5}', 50],
    ['once where n is 0 or null', '{"max_tokens":10,"n":0,"best_of":null}', 10],
    ['unknown where only n is given', '{"n":3}', undefined],
    ['unknown where it is null', '{"max_tokens":null}', undefined],
    ['0 where it is 0', '{"max_tokens":0}', 0],
    ['a whole number in another shape', '{"max_tokens":1.5e3}', 1_500],
    ['never more than a safe integer', '{"max_tokens":9007199254740993,"n":100000}', Number.MAX_SAFE_INTEGER],
    ['never infinite', '{"max_tokens":1e308,"n":1e308}', Number.MAX_SAFE_INTEGER],
  ])('caps its output: %s', (_name, body, expected) => {
    expect(parse(body).maxOutputTokens).toBe(expected);
  });

  it.each([
    ['not an object', '[]', 'JSON object'],
    ['a string', '"{}"', 'JSON object'],
    ['empty', '', 'JSON object'],
    ['cut off', '{"model":"m"', 'JSON object'],
    ['followed by garbage', '{"model":"m"}}', 'JSON object'],
    ['with NaN', '{"temperature":NaN}', 'JSON object'],
    ['with a comment', '{"model":"m"/*"*/}', 'JSON object'],
    ['nested too deep', `{"x":${'['.repeat(70)}${']'.repeat(70)}}`, 'levels'],
    ['nested too deep in the messages', `{"messages":${'['.repeat(100_000)}`, 'levels'],
    ['with a model of another type', '{"model":1}', 'model must'],
    ['with a model in a list', '{"model":["a"]}', 'model must'],
    ['with a model that is too long', `{"model":"${'m'.repeat(257)}"}`, 'model must'],
    ['with a line break in the model', '{"model":"a\\nb"}', 'model must'],
    ['with half a surrogate pair in the model', '{"model":"a\\ud83d"}', 'model must'],
    ['with a direction override in the model', '{"model":"a\\u202eb"}', 'model must'],
    ['with a bad escape in the model', '{"model":"a\\q"}', 'model must'],
    ['with a negative cap', '{"max_tokens":-1}', 'max_tokens must be a whole number'],
    [
      'with a fractional cap',
      '{"max_completion_tokens":1.5}',
      'max_completion_tokens must be a whole number',
    ],
    ['with a cap as text', '{"max_tokens":"100"}', 'max_tokens must be a whole number'],
    ['with an endless cap', `{"max_tokens":${'9'.repeat(400)}}`, 'max_tokens must be a whole number'],
    ['with a cap beyond doubles', '{"max_tokens":1e999}', 'max_tokens must be a whole number'],
    ['with negative choices', '{"n":-2}', 'n must be a whole number'],
    ['with a stream of another type', '{"stream":1}', 'stream must be true or false'],
    ['with a stream as text', '{"stream":"true"}', 'stream must be true or false'],
    ['with a user of another type', '{"user":{}}', 'user must be'],
    ['with a user that is too long', `{"user":"${'u'.repeat(1_025)}"}`, 'user must be'],
    ['with messages of another type', '{"messages":"hi"}', 'messages must be an array'],
  ])('is invalid when it is %s', (_name, body, problem) => {
    expect(problemOf(body)).toContain(problem);
  });

  it.each([
    'model',
    'stream',
    'stream_options',
    'max_tokens',
    'max_completion_tokens',
    'n',
    'best_of',
    'user',
    'safety_identifier',
    'prompt_cache_key',
    'messages',
    'tools',
    'functions',
    'response_format',
    'prediction',
  ])('is invalid when %s is given twice, because parsers disagree', (field) => {
    const escaped = `\\u${field.charCodeAt(0).toString(16).padStart(4, '0')}${field.slice(1)}`;
    expect(problemOf(`{"${field}":null,"${field}":null}`)).toBeDefined();
    for (const twice of [`{"a":1,"${field}":[],"${field}":[]}`, `{"${escaped}":[],"${field}":[]}`]) {
      expect(problemOf(twice)).toBeDefined();
    }
    expect(problemOf(`{"x":{"${field}":null},"y":{"${field}":null}}`)).toBeUndefined();
  });

  it('says which field is given twice', () => {
    expect(problemOf('{"model":"cheap","model":"dear"}')).toBe('model is given twice');
    expect(problemOf('{"stream_options":{"include_usage":true,"include_usage":false}}')).toBe(
      'include_usage is given twice',
    );
  });

  it.each([
    'Model',
    'MAX_TOKENS',
    'ſtream',
    '\\u004dodel',
  ])('is invalid with a look-alike of a field: %s', (key) => {
    expect(problemOf(`{"model":"cheap","${key}":"dear"}`)).toContain('lower case');
  });

  it('never shows text of the caller in a problem', () => {
    const secrets = [
      '{"model":"SECRET\\n"}',
      '{"user":["SECRET"]}',
      '{"SECRET":1,"Model":"SECRET"}',
      '{"max_tokens":"SECRET"}',
    ];
    for (const body of secrets) expect(problemOf(body)).not.toContain('SECRET');
  });

  it('cleans and cuts ids, and takes an empty one for none', () => {
    expect(parse('{"user":"a\\u0000b\\u202e\\nc"}').user).toBe('abc');
    expect(parse(`{"user":"${'u'.repeat(1_000)}"}`).user).toHaveLength(256);
    expect(parse('{"user":"","prompt_cache_key":"\\n"}')).toMatchObject({
      user: undefined,
      session: undefined,
    });
    expect(parse('{"user":"u","safety_identifier":"s"}').user).toBe('s');
    expect(parse('{"user":"u","safety_identifier":null}').user).toBe('u');
  });

  it('reads fields whose names and values are escaped', () => {
    expect(parse('{"mod\\u0065l":"gp\\u0074","ma\\u0078_tokens":5,"\\u0075ser":"\\u00e9"}')).toMatchObject({
      model: 'gpt',
      maxOutputTokens: 5,
      user: 'é',
    });
  });

  it('counts data of media as media and never as text, and text however it is wrapped', () => {
    const base64 = 'QUJD'.repeat(10_000);
    const facts = parse(
      JSON.stringify({
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } },
              { type: 'input_audio', input_audio: { data: base64, format: 'wav' } },
              { type: 'file', file: { file_data: base64, filename: 'a.pdf' } },
              { type: 'document', source: { type: 'base64', data: base64 } },
              { type: 'document', source: { data: 'Some plain text.', type: 'te\u0078t' } },
            ],
          },
        ],
      }),
    );
    expect(toPlainInput(facts.features)).toEqual({ textBytes: 13 + 16, media: 4, messages: 1, tools: 0 });
  });

  it('does not let text hide in a source whose type is escaped', () => {
    const body = `{"messages":[{"content":[{"source":{"data":"${'a '.repeat(500)}","type":"te\\u0078t"}}]}]}`;
    expect(toPlainInput(parse(body).features)).toMatchObject({ textBytes: 1_000, media: 0 });
  });
});
