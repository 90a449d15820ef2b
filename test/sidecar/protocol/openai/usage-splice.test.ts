import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../../sidecar/protocol/openai/request.ts';
import { jsonText } from '../json-text.ts';

/** What is sent for a body, and whether it was spliced. */
function send(body: string): { readonly sent: string; readonly spliced: boolean; readonly isSame: boolean } {
  const bytes = Buffer.from(body);
  const parsed = parseRequest(bytes);
  if (parsed.kind === 'invalid') throw new Error(parsed.problem);
  const { body: sent, usageSpliced } = parsed.facts;
  return { sent: sent.toString(), spliced: usageSpliced, isSame: sent === bytes };
}

describe('include_usage', () => {
  it.each([
    ['no options', '{"stream":true}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    [
      'space at the end',
      '{"stream":true , "model":"m" }\n ',
      '{"stream":true , "model":"m" ,"stream_options":{"include_usage":true}}\n ',
    ],
    [
      'empty options',
      '{"stream_options":{},"stream":true}',
      '{"stream_options":{"include_usage":true},"stream":true}',
    ],
    [
      'spaced empty options',
      '{"stream":true,"stream_options":{ }}',
      '{"stream":true,"stream_options":{"include_usage":true }}',
    ],
    [
      'other options',
      '{"stream":true,"stream_options":{ "include_obfuscation":false}}',
      '{"stream":true,"stream_options":{"include_usage":true, "include_obfuscation":false}}',
    ],
    [
      'false',
      '{"stream":true,"stream_options":{"include_usage" : false , "a":1}}',
      '{"stream":true,"stream_options":{"include_usage" : true , "a":1}}',
    ],
    [
      'options of null',
      '{"stream":true,"stream_options":null}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      'a mark in front',
      '\ufeff{"stream":true}',
      '\ufeff{"stream":true,"stream_options":{"include_usage":true}}',
    ],
  ])('is asked for where the caller streams with %s', (_name, body, expected) => {
    expect(send(body)).toEqual({ sent: expected, spliced: true, isSame: false });
  });

  it.each([
    ['it does not stream', '{"model":"m"}'],
    ['stream is false', '{"stream":false}'],
    ['stream is null', '{"stream":null}'],
    ['it asks itself', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['include_usage is null', '{"stream":true,"stream_options":{"include_usage":null}}'],
    ['include_usage is text', '{"stream":true,"stream_options":{"include_usage":"no"}}'],
    ['include_usage is a number', '{"stream":true,"stream_options":{"include_usage":0}}'],
    ['the options are a list', '{"stream":true,"stream_options":[]}'],
    ['the options are text', '{"stream":true,"stream_options":"all"}'],
  ])('is left alone, and the very buffer is sent, where %s', (_name, body) => {
    expect(send(body)).toEqual({ sent: body, spliced: false, isSame: true });
  });

  it('changes nothing else in any body', () => {
    const others = fc.array(fc.tuple(fc.stringMatching(/^[a-d]{1,3}$/), jsonText()), { maxLength: 4 });
    const options = fc.constantFrom(
      '',
      '"stream_options": null,',
      '"stream_options":{"x":[{}]},',
      '"stream_options":{"include_usage":false},',
    );
    fc.assert(
      fc.property(others, options, fc.nat(), (members, streamOptions, at) => {
        const written = members.map(([key, value]) => `"${key}":${value}`);
        written.splice(at % (written.length + 1), 0, `${streamOptions}"stream":true`);
        const body = `{${written.join(',')}}`;
        const { sent, spliced } = send(body);
        const before = JSON.parse(body);
        expect(spliced).toBe(true);
        expect(JSON.parse(sent)).toEqual({
          ...before,
          stream_options: { ...before.stream_options, include_usage: true },
        });
        expect(sent.length - body.length).toBeLessThanOrEqual(
          ',"stream_options":{"include_usage":true}'.length,
        );
      }),
    );
  });
});
