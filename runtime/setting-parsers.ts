// The forms a setting may take. Each parser knows its name and how to write a value, so that help, reference and
// problems speak with one voice. Quantities carry their unit in the text and in the name of what they become.

import { isIPv4, isIPv6 } from 'node:net';
import { Secret } from './secret.ts';

type ParsedSetting<T> =
  | { readonly kind: 'valid'; readonly value: T }
  /** One clause that fits behind "the value": what is wrong and what to write instead. */
  | { readonly kind: 'invalid'; readonly problem: string };

export type SettingParser<T> = {
  /** The form's name as help shows it: DURATION, PORT. */
  readonly form: string;
  /** How to write one, as a phrase with an example. */
  readonly hint: string;
  /** True when neither the text nor the value may be shown anywhere. */
  readonly secret: boolean;
  /** Never throws. */
  parse(text: string): ParsedSetting<T>;
};

export type HostPort = { readonly host: string; readonly port: number };

const SECOND_MS = 1_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: 60 * SECOND_MS,
  h: 3_600 * SECOND_MS,
};
const DAY_MS = 24 * 3_600 * SECOND_MS;
const DURATION = /^(?:\d{1,5}(?:ms|s|m|h)){1,4}$/;

const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const BYTES = /^(\d{1,12})(B|KiB|MiB|GiB)$/;

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const MAX_TEXT = 4_096;

function invalid(problem: string): { readonly kind: 'invalid'; readonly problem: string } {
  return { kind: 'invalid', problem };
}

function valid<T>(value: T): { readonly kind: 'valid'; readonly value: T } {
  return { kind: 'valid', value };
}

/**
 * A duration as the Gateway API writes it (`250ms`, `90s`, `1h30m`), in whole milliseconds.
 * The upper bound defaults to a day: longer ones overflow a timer.
 */
export function duration(minMs = 0, maxMs = DAY_MS): SettingParser<number> {
  const hint = 'a number with its unit (ms, s, m, h), such as 250ms or 1h30m';
  const parse = (text: string): ParsedSetting<number> => {
    if (!DURATION.test(text)) return invalid(`is not a duration; write ${hint}`);
    let totalMs = 0;
    for (const [, amount, unit = ''] of text.matchAll(/(\d+)(ms|s|m|h)/g)) {
      totalMs += Number(amount) * (UNIT_MS[unit] ?? 0);
    }
    if (totalMs < minMs || totalMs > maxMs) return invalid(`is outside ${minMs}ms to ${maxMs}ms`);
    return valid(totalMs);
  };
  return { form: 'DURATION', hint, secret: false, parse };
}

/** A size in bytes with a binary unit (`512B`, `64KiB`, `32MiB`). */
export function bytes(minBytes = 0, maxBytes = 2 ** 40): SettingParser<number> {
  const hint = 'a whole number with its unit (B, KiB, MiB, GiB), such as 32MiB';
  const parse = (text: string): ParsedSetting<number> => {
    const [, amount, unit = ''] = BYTES.exec(text) ?? [];
    if (amount === undefined) return invalid(`is not a size; write ${hint}`);
    const size = Number(amount) * (UNIT_BYTES[unit] ?? 0);
    if (size < minBytes || size > maxBytes) return invalid(`is outside ${minBytes}B to ${maxBytes}B`);
    return valid(size);
  };
  return { form: 'BYTES', hint, secret: false, parse };
}

/** A whole number without a unit, for counts. */
export function count(min: number, max: number): SettingParser<number> {
  const hint = `a whole number from ${min} to ${max}`;
  const parse = (text: string): ParsedSetting<number> => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? valid(value) : invalid(`is not a count; write ${hint}`);
  };
  return { form: 'COUNT', hint, secret: false, parse };
}

/** A TCP port; 0 asks the system for a free one. */
export function port(): SettingParser<number> {
  const hint = 'a whole number from 0 to 65535';
  const parse = (text: string): ParsedSetting<number> => {
    const value = parsePort(text);
    return value === undefined ? invalid(`is not a port; write ${hint}`) : valid(value);
  };
  return { form: 'PORT', hint, secret: false, parse };
}

/** A host and a port: `127.0.0.1:15580`, `[::1]:15580`, `sidecar.local:0`. The brackets are not part of the host. */
export function hostPort(): SettingParser<HostPort> {
  const hint = 'a host and a port, such as 127.0.0.1:15580 or [::1]:15580';
  const parse = (text: string): ParsedSetting<HostPort> => {
    const colon = text.lastIndexOf(':');
    const host = parseHost(text.slice(0, Math.max(colon, 0)));
    const portNumber = parsePort(text.slice(colon + 1));
    if (host === undefined || portNumber === undefined) return invalid(`is not HOST:PORT; write ${hint}`);
    return valid({ host, port: portNumber });
  };
  return { form: 'HOST:PORT', hint, secret: false, parse };
}

function parsePort(text: string): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 65_536;
  return value <= 65_535 ? value : undefined;
}

function parseHost(text: string): string | undefined {
  if (text.startsWith('[') && text.endsWith(']')) {
    const address = text.slice(1, -1);
    return isIPv6(address) ? address : undefined;
  }
  // Digits and dots that are no IPv4 address are a typing error, not a host name.
  if (/^[\d.]*$/.test(text)) return isIPv4(text) ? text : undefined;
  return HOST_NAME.test(text) ? text : undefined;
}

/** `true` or `false`, nothing else. */
export function boolean(): SettingParser<boolean> {
  const hint = 'true or false';
  const parse = (text: string): ParsedSetting<boolean> =>
    text === 'true' || text === 'false' ? valid(text === 'true') : invalid(`is not a boolean; write ${hint}`);
  return { form: 'BOOLEAN', hint, secret: false, parse };
}

/** An absolute http or https URL. User and password are refused: a credential belongs into a `secret` setting. */
export function url(): SettingParser<URL> {
  const hint = 'an http or https URL without user and password, such as https://api.example.com/v1';
  const parse = (text: string): ParsedSetting<URL> => {
    const parsed = URL.parse(text);
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) {
      return invalid(`is not a URL; write ${hint}`);
    }
    const hasCredentials = parsed.username !== '' || parsed.password !== '';
    return hasCredentials ? invalid(`carries a user or a password; write ${hint}`) : valid(parsed);
  };
  return { form: 'URL', hint, secret: false, parse };
}

/** One line of text: not empty, at most 4,096 characters, no control characters. */
export function string(form = 'TEXT'): SettingParser<string> {
  const hint = 'one line of text that is not empty';
  const parse = (text: string): ParsedSetting<string> => {
    if (text === '') return invalid(`is empty; write ${hint}`);
    if (text.length > MAX_TEXT) return invalid(`is longer than ${MAX_TEXT} characters`);
    return /\p{Cc}/u.test(text) ? invalid(`has control characters; write ${hint}`) : valid(text);
  };
  return { form, hint, secret: false, parse };
}

/** One of a few words. */
export function oneOf<const W extends string>(words: readonly W[]): SettingParser<W> {
  const hint = `one of ${words.join(', ')}`;
  const parse = (text: string): ParsedSetting<W> => {
    const word = words.find((candidate) => candidate === text);
    return word === undefined ? invalid(`is unknown; write ${hint}`) : valid(word);
  };
  return { form: words.join('|'), hint, secret: false, parse };
}

/** Any form whose text and value are never shown; a problem of the inner parser is not quoted either. */
export function secret<T>(inner: SettingParser<T>): SettingParser<Secret<T>> {
  const parse = (text: string): ParsedSetting<Secret<T>> => {
    const parsed = inner.parse(text);
    return parsed.kind === 'valid' ? valid(new Secret(parsed.value)) : parsed;
  };
  return { form: inner.form, hint: inner.hint, secret: true, parse };
}
