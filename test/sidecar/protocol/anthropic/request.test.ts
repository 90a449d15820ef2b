import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../../sidecar/protocol/anthropic/request.ts';
import type { RequestFacts } from '../../../../sidecar/protocol/protocol.ts';
import { message, text, tool } from '../chat-content.ts';
import { countContent, jsonBytes, reorder, toPlainInput } from '../plain-input.ts';

function parse(body: string): RequestFacts {
  const parsed = parseRequest(Buffer.from(body));
  if (parsed.kind === 'invalid') throw new Error(parsed.problem);
  return parsed.facts;
}

function problemOf(body: string): string | undefined {
  const parsed = parseRequest(Buffer.from(body));
  return parsed.kind === 'invalid' ? parsed.problem : undefined;
}

const messagesRequest = fc.record(
  {
    model: fc.stringMatching(/^[a-z0-9.-]{0,20}$/),
    stream: fc.constantFrom(true, false, null),
    max_tokens: fc.oneof(fc.nat(100_000), fc.constant(null)),
    metadata: fc.constantFrom(null, {}, { user_id: null }, { user_id: 'u-1', other: [1] }),
    messages: fc.array(message, { maxLength: 3 }),
    system: fc.oneof(text, fc.array(fc.record({ type: fc.constant('text'), text }), { maxLength: 2 })),
    tools: fc.array(tool, { maxLength: 2 }),
    output_config: fc.option(fc.record({ format: tool })),
    thinking: fc.constant({ type: 'enabled', budget_tokens: 1_024 }),
    unheard_of: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
type MessagesRequest = typeof messagesRequest extends fc.Arbitrary<infer Value> ? Value : never;

/** The dumb twin: the whole document as values, each field by its name. */
function twinOf(request: MessagesRequest) {
  const contents = [...(request.messages ?? []), request.system ?? null].map(countContent);
  const schemas = [request.tools, request.output_config].filter(
    (each) => each !== undefined && each !== null,
  );
  return {
    model: request.model ?? '',
    stream: request.stream ?? false,
    maxOutputTokens: request.max_tokens ?? undefined,
    user: request.metadata?.user_id ?? undefined,
    session: undefined,
    input: {
      textBytes:
        contents.reduce((sum, { textBytes }) => sum + textBytes, 0) +
        schemas.reduce((sum, schema) => sum + jsonBytes(schema), 0),
      media: contents.reduce((sum, { media }) => sum + media, 0),
      messages: request.messages?.length ?? 0,
      tools: request.tools?.length ?? 0,
    },
  };
}

describe('a messages request', () => {
  it('says what the whole document as values says, and is sent as it came', () => {
    fc.assert(
      fc.property(reorder(messagesRequest), (request) => {
        const bytes = Buffer.from(JSON.stringify(request));
        const parsed = parseRequest(bytes);
        if (parsed.kind === 'invalid') throw new Error(parsed.problem);
        const { model, stream, maxOutputTokens, user, session, features, body, usageSpliced } = parsed.facts;
        expect({ model, stream, maxOutputTokens, user, session, input: toPlainInput(features) }).toEqual(
          twinOf(request),
        );
        expect([body === bytes, usageSpliced]).toEqual([true, false]);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['cut off', '{"model":"m","messages":[', 'JSON object'],
    ['nested too deep', `{"system":${'['.repeat(100_000)}`, 'levels'],
    ['with two models', '{"model":"a","model":"b"}', 'model is given twice'],
    [
      'with two caps, one of them escaped',
      '{"max_tokens":1,"max_\\u0074okens":9}',
      'max_tokens is given twice',
    ],
    ['with two users', '{"metadata":{"user_id":"a","user_id":"b"}}', 'user_id is given twice'],
    ['with a look-alike of a field', '{"model":"a","Model":"b"}', 'lower case'],
    ['with a negative cap', '{"max_tokens":-5}', 'max_tokens must be a whole number'],
    ['with a fractional cap', '{"max_tokens":0.5}', 'max_tokens must be a whole number'],
    ['with metadata of another type', '{"metadata":"u"}', 'JSON object'],
    ['with a user of another type', '{"metadata":{"user_id":7}}', 'metadata.user_id must be'],
    ['with messages of another type', '{"messages":{}}', 'messages must be an array'],
  ])('is invalid when it is %s', (_name, body, problem) => {
    expect(problemOf(body)).toContain(problem);
  });

  it('counts the input of tools as code, with its brackets', () => {
    const input = { city: 'Lyon', unit: 'C' };
    const { features } = parse(
      JSON.stringify({ messages: [{ content: [{ type: 'tool_use', id: 't', input }] }] }),
    );
    expect(features).toMatchObject({ codeBytes: jsonBytes(input), proseBytes: 0 });
  });
});

describe('metadata.user_id', () => {
  const UUID = '0b0e9a52-8d2f-4f7a-9a55-0d3c1a7b2c11';
  const identify = (userId: string) => {
    const { user, session } = parse(JSON.stringify({ metadata: { user_id: userId } }));
    return { user, session };
  };

  it.each([
    ['a plain name', 'alice', { user: 'alice', session: undefined }],
    ['the empty name', '', { user: undefined, session: undefined }],
    ['the older form', `user_5f1a_account__session_${UUID}`, { user: 'user_5f1a_account_', session: UUID }],
    [
      'the older form with an account',
      `user_5f1a_account_${UUID}_session_${UUID}`,
      { user: `user_5f1a_account_${UUID}`, session: UUID },
    ],
    ['a name with session in it', 'my_session_store', { user: 'my_session_store', session: undefined }],
    ['a session that is no uuid', 'user_a_session_12', { user: 'user_a_session_12', session: undefined }],
    [
      'JSON with an account',
      `{"device_id":"d","account_uuid":"a","session_id":"s"}`,
      { user: 'a', session: 's' },
    ],
    [
      'JSON without an account',
      `{"device_id":"d","account_uuid":"","session_id":"s"}`,
      { user: 'd', session: 's' },
    ],
    ['JSON with a session alone', '{"session_id":"s"}', { user: undefined, session: 's' }],
    ['JSON that is broken', '{"session_id":"s"', { user: '{"session_id":"s"', session: undefined }],
    [
      'JSON with two sessions',
      '{"session_id":"s","session_id":"t"}',
      { user: '{"session_id":"s","session_id":"t"}', session: undefined },
    ],
    ['JSON with a number', '{"session_id":1}', { user: '{"session_id":1}', session: undefined }],
    ['a control character', 'a\nb', { user: 'ab', session: undefined }],
  ])('is split: %s', (_name, userId, expected) => {
    expect(identify(userId)).toEqual(expected);
  });

  it('gives the same user in every session', () => {
    const sessions = ['1', '2'].map((digit) => UUID.slice(0, -1) + digit);
    const old = sessions.map((session) => identify(`user_x_account_y_session_${session}`));
    const json = sessions.map((session) => identify(JSON.stringify({ device_id: 'd', session_id: session })));
    for (const ids of [old, json]) {
      expect(ids.map(({ session }) => session)).toEqual(sessions);
      expect(new Set(ids.map(({ user }) => user)).size).toBe(1);
    }
  });
});
