// Messages for property tests: what agents send to either API, and fields that nobody knows.

import fc from 'fast-check';

/** Text whose bytes JSON.stringify writes as they are, but for quotes, backslashes and line breaks. */
export const text = fc.string({ unit: fc.constantFrom(...'ab 1{}[]":,\\\né蒸🚂'), maxLength: 40 });

const data = fc.stringMatching(/^[A-Za-z0-9+/]{0,60}$/);
const source = fc.oneof(
  fc.record({ type: fc.constant('base64'), media_type: fc.constant('image/png'), data }),
  fc.record({ data: text, type: fc.constant('text'), media_type: fc.constant('text/plain') }),
  fc.record({ type: fc.constant('url'), url: text }),
  fc.record({
    type: fc.constant('content'),
    content: fc.array(fc.record({ type: fc.constant('text'), text }), { maxLength: 2 }),
  }),
);

const part = fc.oneof(
  fc.record(
    { type: fc.constant('text'), text, cache_control: fc.constant({ type: 'ephemeral' }) },
    { requiredKeys: ['type', 'text'] },
  ),
  fc.record({
    type: fc.constant('image_url'),
    image_url: fc.record({ url: data.map((each) => `data:image/png;base64,${each}`) }),
  }),
  fc.record({
    type: fc.constant('input_audio'),
    input_audio: fc.record({ data, format: fc.constant('wav') }),
  }),
  fc.record({ type: fc.constant('file'), file: fc.record({ filename: text, file_data: data }) }),
  fc.record({ type: fc.constantFrom('image', 'document'), source, title: text }),
  fc.record({ type: fc.constant('search_result'), source: text, content: fc.array(fc.record({ text })) }),
  fc.record({
    type: fc.constant('tool_use'),
    id: text,
    name: text,
    input: fc.dictionary(text, text, { maxKeys: 3 }),
  }),
  fc.record({
    type: fc.constant('tool_result'),
    tool_use_id: text,
    content: fc.oneof(
      text,
      fc.array(fc.record({ type: fc.constant('text'), text, source }), { maxLength: 2 }),
    ),
  }),
  fc.record({ type: fc.constant('thinking'), thinking: text, signature: data }),
  fc.record({
    type: fc.constant('unheard_of'),
    what: text,
    deep: fc.record({ more: fc.array(text, { maxLength: 2 }) }),
  }),
);

/** A message of either API. */
export const message = fc.record(
  {
    role: fc.constantFrom('system', 'user', 'assistant', 'tool'),
    content: fc.oneof(text, fc.constant(null), fc.array(part, { maxLength: 3 })),
    name: text,
    tool_call_id: text,
    audio: fc.constantFrom(null, { id: 'audio_1' }),
    tool_calls: fc.array(
      fc.record({
        id: text,
        type: fc.constant('function'),
        function: fc.record({ name: text, arguments: text }),
      }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ['role', 'content'] },
);

export const tool = fc.record({
  type: fc.constant('function'),
  name: text,
  parameters: fc.dictionary(text, fc.record({ type: fc.constant('string'), description: text }), {
    maxKeys: 2,
  }),
});
