import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../runtime/secret.ts';
import * as parsers from '../../runtime/setting-parsers.ts';

type Case = { parser: parsers.SettingParser<unknown>; text: string; value: unknown };

const VALID: Case[] = [
  { parser: parsers.duration(), text: '250ms', value: 250 },
  { parser: parsers.duration(), text: '0s', value: 0 },
  { parser: parsers.duration(), text: '1h30m', value: 5_400_000 },
  { parser: parsers.duration(), text: '1m5ms', value: 60_005 },
  { parser: parsers.duration(), text: '24h', value: 86_400_000 },
  { parser: parsers.bytes(), text: '512B', value: 512 },
  { parser: parsers.bytes(), text: '32MiB', value: 33_554_432 },
  { parser: parsers.bytes(), text: '1GiB', value: 1_073_741_824 },
  { parser: parsers.count(1, 64), text: '64', value: 64 },
  { parser: parsers.port(), text: '0', value: 0 },
  { parser: parsers.port(), text: '65535', value: 65_535 },
  { parser: parsers.hostPort(), text: '127.0.0.1:15580', value: { host: '127.0.0.1', port: 15_580 } },
  { parser: parsers.hostPort(), text: '[::1]:0', value: { host: '::1', port: 0 } },
  { parser: parsers.hostPort(), text: 'api.example.com:443', value: { host: 'api.example.com', port: 443 } },
  { parser: parsers.boolean(), text: 'true', value: true },
  { parser: parsers.boolean(), text: 'false', value: false },
  { parser: parsers.string(), text: 'code review', value: 'code review' },
  { parser: parsers.oneOf(['debug', 'info']), text: 'info', value: 'info' },
  { parser: parsers.url(), text: 'https://api.example.com/v1', value: new URL('https://api.example.com/v1') },
];

const INVALID: Omit<Case, 'value'>[] = [
  ...['', '5', '5 s', '1.5s', '-1s', '1d', 's', '1h1h1h1h1h', '123456s', '25h'].map((text) => ({
    parser: parsers.duration(),
    text,
  })),
  ...['', '1', '1kB', '1.5MiB', '-1B', '32mib', '2GiB'].map((text) => ({
    parser: parsers.bytes(0, 2 ** 30),
    text,
  })),
  ...['', '0', '65', '1e1', '-1'].map((text) => ({ parser: parsers.count(1, 64), text })),
  ...['', '65536', '-1', '80.0', '0x50', ' 80'].map((text) => ({ parser: parsers.port(), text })),
  ...[
    '',
    ':80',
    '80',
    'host',
    'host:',
    '::1:80',
    '[::1]',
    '[1.2.3.4]:80',
    '1.2.3:80',
    '300.1.1.1:80',
    'a_b:80',
  ].map((text) => ({ parser: parsers.hostPort(), text })),
  ...['', 'yes', '1', 'TRUE'].map((text) => ({ parser: parsers.boolean(), text })),
  ...['', 'a\nb', 'a\u0000', 'x'.repeat(4_097)].map((text) => ({ parser: parsers.string(), text })),
  ...['', 'warn', 'Info'].map((text) => ({ parser: parsers.oneOf(['debug', 'info']), text })),
  ...['', 'api.example.com', 'ftp://example.com', 'file:///etc/passwd', 'https://u:p@example.com'].map(
    (text) => ({
      parser: parsers.url(),
      text,
    }),
  ),
];

describe('a setting', () => {
  it.each(VALID)('in the form $parser.form takes $text', ({ parser, text, value }) => {
    expect(parser.parse(text)).toEqual({ kind: 'valid', value });
  });

  it.each(INVALID)('in the form $parser.form does not take "$text"', ({ parser, text }) => {
    const parsed = parser.parse(text);
    expect(parsed.kind).toBe('invalid');
    if (parsed.kind === 'invalid') expect(parsed.problem).toMatch(/^(is|has|carries) /);
  });

  it('never throws, whatever the text', () => {
    const anyText = fc.array(fc.integer({ min: 0, max: 0xff })).map((units) => String.fromCharCode(...units));
    const all = [...new Set([...VALID, ...INVALID].map(({ parser }) => parser))];
    fc.assert(
      fc.property(anyText, (text) => {
        return all.every((parser) => ['valid', 'invalid'].includes(parser.parse(text).kind));
      }),
    );
  });

  it('of a duration within bounds names the bounds', () => {
    expect(parsers.duration(1_000, 60_000).parse('2m')).toEqual({
      kind: 'invalid',
      problem: 'is outside 1000ms to 60000ms',
    });
  });
});

describe('a secret', () => {
  const parsed = parsers.secret(parsers.string()).parse('sk-live-1');

  it('is handed out only when asked', () => {
    expect(parsed.kind === 'valid' && parsed.value.reveal()).toBe('sk-live-1');
  });

  it.each([
    { how: 'String', print: (value: unknown) => String(value) },
    { how: 'JSON', print: (value: unknown) => JSON.stringify({ value }) },
    { how: 'inspect', print: (value: unknown) => inspect({ value }, { showHidden: true, depth: 9 }) },
    { how: 'spread', print: (value: unknown) => JSON.stringify({ ...(value as object) }) },
  ])('is not shown by $how', ({ print }) => {
    const printed = print(new Secret('sk-live-1'));
    expect(printed).not.toContain('sk-live');
  });

  it('is not quoted by the problem of its form', () => {
    const bad = parsers.secret(parsers.url()).parse('sk-live-1');
    expect(JSON.stringify(bad)).not.toContain('sk-live');
  });
});
