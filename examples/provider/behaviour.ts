// How one call is answered: pace, length, usage, status and faults. Every setting is an option of the provider and a
// request header `x-provider-*`; the header wins. Real providers ignore these headers.

import type { IncomingHttpHeaders } from 'node:http';
import { type Fault, parseFault } from './fault.ts';

export type Behaviour = {
  /** Time before anything is generated or sent. */
  readonly thinkMs: number;
  /** Time between two events of a stream. */
  readonly eventDelayMs: number;
  /** Length of an answer per choice, unless the caller's cap is less. One streamed event carries one token. */
  readonly outputTokens: number;
  /** Part of the input that is said to come from a cache, at most. */
  readonly cacheReadTokens: number;
  /** Part of the rest of the input that is said to be written to a cache, at most. */
  readonly cacheWriteTokens: number;
  /** What the answer says about usage: the truth, nothing, or explicit zeros. The bill is the truth in each case. */
  readonly usage: 'actual' | 'none' | 'zero';
  /** 200 answers the call. Any other status is answered with the provider's native error, and nothing is billed. */
  readonly status: number;
  /** Headers added to the answer, for example `retry-after`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Encodes the body whatever the caller accepts. Each event of a stream is flushed by itself. */
  readonly encoding: 'identity' | 'gzip' | 'br' | 'zstd';
  /** Sends an informational 103 before the head. */
  readonly earlyHints: boolean;
  /** Sends the body in chunks with the trailer `x-provider-trailer: done`. */
  readonly trailers: boolean;
  readonly fault: Fault;
};

export const DEFAULT_BEHAVIOUR: Behaviour = {
  thinkMs: 0,
  eventDelayMs: 0,
  outputTokens: 24,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  usage: 'actual',
  status: 200,
  headers: {},
  encoding: 'identity',
  earlyHints: false,
  trailers: false,
  fault: { kind: 'none' },
};

/** `problem` is one sentence that names the header and what it takes. */
export type ParsedBehaviour =
  | { readonly kind: 'parsed'; readonly behaviour: Behaviour }
  | { readonly kind: 'invalid'; readonly problem: string };

const PREFIX = 'x-provider-';

type Setting = {
  /** What the header takes, for the error message. */
  readonly takes: string;
  /** Undefined when the text is not that. */
  readonly read: (text: string) => Partial<Behaviour> | undefined;
};

const SETTINGS: ReadonlyMap<string, Setting> = new Map(
  Object.entries({
    'think-ms': whole((thinkMs) => ({ thinkMs })),
    'event-delay-ms': whole((eventDelayMs) => ({ eventDelayMs })),
    'output-tokens': whole((outputTokens) => ({ outputTokens })),
    'cache-read-tokens': whole((cacheReadTokens) => ({ cacheReadTokens })),
    'cache-write-tokens': whole((cacheWriteTokens) => ({ cacheWriteTokens })),
    usage: oneOf(['actual', 'none', 'zero'], (usage) => ({ usage })),
    status: {
      takes: 'a status from 200 to 599',
      read: (text) => (/^[2-5]\d\d$/.test(text) ? { status: Number(text) } : undefined),
    },
    headers: { takes: 'a JSON object of strings', read: readHeaders },
    encoding: oneOf(['identity', 'gzip', 'br', 'zstd'], (encoding) => ({ encoding })),
    'early-hints': oneOf(['on', 'off'], (text) => ({ earlyHints: text === 'on' })),
    trailers: oneOf(['on', 'off'], (text) => ({ trailers: text === 'on' })),
    fault: {
      takes: 'a fault, such as abort:3 (see fault.ts)',
      read: (text) => {
        const fault = parseFault(text);
        return fault === undefined ? undefined : { fault };
      },
    },
  }),
);

/** `base` with the request's own `x-provider-*` headers on top. A header that is unknown or malformed is a problem. */
export function parseBehaviour(base: Behaviour, headers: IncomingHttpHeaders): ParsedBehaviour {
  let behaviour = base;
  for (const [header, text] of Object.entries(headers)) {
    if (!header.startsWith(PREFIX)) continue;
    const setting = SETTINGS.get(header.slice(PREFIX.length));
    if (setting === undefined) return { kind: 'invalid', problem: `${header}: no such setting` };
    const change = setting.read(String(text));
    if (change === undefined) return { kind: 'invalid', problem: `${header}: takes ${setting.takes}` };
    behaviour = { ...behaviour, ...change };
  }
  return { kind: 'parsed', behaviour };
}

function whole(toChange: (value: number) => Partial<Behaviour>): Setting {
  return {
    takes: 'a whole number',
    read: (text) => (/^\d{1,9}$/.test(text) ? toChange(Number(text)) : undefined),
  };
}

function oneOf<T extends string>(values: readonly T[], toChange: (value: T) => Partial<Behaviour>): Setting {
  return {
    takes: `one of ${values.join(', ')}`,
    read: (text) => {
      const value = values.find((candidate) => candidate === text);
      return value === undefined ? undefined : toChange(value);
    },
  };
}

function readHeaders(text: string): Partial<Behaviour> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const entries: [string, unknown][] = Object.entries(value);
    const strings = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    return strings.length === entries.length ? { headers: Object.fromEntries(strings) } : undefined;
  } catch {
    return undefined;
  }
}
