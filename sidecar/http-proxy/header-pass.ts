// One pass over the headers of a message: what is forwarded, and what we need to know.

/**
 * What happens to a header by its name; all others are forwarded.
 * - hop: belongs to one connection (RFC 9110, 7.6.1), or is set anew for the upstream. `expect` is answered by us.
 * - identity: says who is calling; reading: says how to read the request. Two of one name would be read differently by
 *   different parties, so a repeated one is refused.
 */
type Role = 'hop' | 'identity' | 'reading' | 'baggage' | 'accept-encoding';

const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ...[
    'connection',
    'keep-alive',
    'proxy-connection',
    'proxy-authenticate',
    'proxy-authorization',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
    'host',
    'content-length',
  ].map((name) => [name, 'hop'] as const),
  ...[
    'x-claude-code-session-id',
    'session-id',
    'session_id',
    'x-session-id',
    'mcp-session-id',
    'authorization',
    'x-api-key',
    'flyball-user',
    'flyball-session',
  ].map((name) => [name, 'identity'] as const),
  ...[
    'x-stainless-timeout',
    'x-stainless-read-timeout',
    'x-stainless-retry-count',
    'content-type',
    'content-encoding',
  ].map((name) => [name, 'reading'] as const),
  ['baggage', 'baggage'],
  ['accept-encoding', 'accept-encoding'],
]);

/** What one pass over a request's headers yields. */
export type RequestHeaders = {
  /** Alternating names and values for the upstream. */
  readonly forwarded: string[];
  /** Lower-case lookup of the headers that must be single. */
  readonly single: ReadonlyMap<string, string>;
  /** The first header that came twice although it must be single; undefined = none. */
  readonly repeated: { readonly name: string; readonly role: 'identity' | 'reading' } | undefined;
  /** Position of accept-encoding's value in `forwarded`; -1 when absent. */
  readonly acceptEncodingAt: number;
};

/** Reads a request's raw headers (alternating names and values). Our own headers never reach the upstream. */
export function readRequestHeaders(raw: readonly string[]): RequestHeaders {
  const pass = new RequestPass(namedByConnection(raw));
  for (let i = 0; i + 1 < raw.length; i += 2) pass.take(raw[i] as string, raw[i + 1] as string);
  return pass;
}

class RequestPass implements RequestHeaders {
  readonly forwarded: string[] = [];
  readonly single = new Map<string, string>();
  repeated: RequestHeaders['repeated'] = undefined;
  acceptEncodingAt = -1;
  readonly #named: ReadonlySet<string> | undefined;

  constructor(named: ReadonlySet<string> | undefined) {
    this.#named = named;
  }

  take(name: string, value: string): void {
    const lower = name.toLowerCase();
    const role = ROLES.get(lower);
    if (role === 'identity' || role === 'reading') {
      if (this.single.has(lower)) this.repeated ??= { name: lower, role };
      this.single.set(lower, value);
    }
    if (!staysHere(lower, this.#named)) this.#forward(name, value, role);
  }

  #forward(name: string, value: string, role: Role | undefined): void {
    if (role === 'accept-encoding') {
      if (this.acceptEncodingAt >= 0) {
        this.forwarded[this.acceptEncodingAt] += `, ${value}`;
        return;
      }
      this.acceptEncodingAt = this.forwarded.length + 1;
    }
    const kept = role === 'baggage' ? withoutOurBaggage(value) : value;
    if (kept !== undefined) this.forwarded.push(name, kept);
  }
}

/** Servers that read headers as variables of an environment take `-` and `_` for the same. */
const OURS = /^flyball[-_]/;

/** Headers of one connection, those that its Connection header names, and ours. */
function staysHere(lower: string, named: ReadonlySet<string> | undefined): boolean {
  return ROLES.get(lower) === 'hop' || OURS.test(lower) || named?.has(lower) === true;
}

/** What one pass over an answer's headers yields. */
export type AnswerHeaders = {
  /** Alternating names and values for the caller, without content-length. */
  readonly forwarded: string[];
  readonly contentType: string;
  readonly contentEncoding: string;
  /** The declared length in bytes; undefined when the answer is chunked or ends with the connection. */
  readonly contentLength: string | undefined;
};

/** Reads an answer's headers as undici gives them (lower-case names). Nobody but us may speak as flyball. */
export function readAnswerHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): AnswerHeaders {
  const forwarded: string[] = [];
  const connection = headers.connection;
  const named = connection === undefined ? undefined : new Set(tokens(String(connection)));
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || staysHere(name, named)) continue;
    if (typeof value === 'string') forwarded.push(name, value);
    else forwarded.push(...value.flatMap((one) => [name, one]));
  }
  return {
    forwarded,
    contentType: firstValue(headers['content-type']) ?? '',
    contentEncoding: firstValue(headers['content-encoding']) ?? '',
    contentLength: firstValue(headers['content-length']),
  };
}

/** The trailers of an answer for the caller, as pairs. */
export function readTrailers(
  trailers: Readonly<Record<string, string | string[] | undefined>>,
): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const name in trailers) {
    if (staysHere(name, undefined)) continue;
    for (const value of [trailers[name] ?? []].flat()) pairs.push([name, value]);
  }
  return pairs;
}

/**
 * The reason phrase as Node takes it: one character for each byte. undici decodes it as UTF-8; phrases in other
 * encodings lose their special characters.
 */
export function toReasonPhrase(statusText: string | undefined): string | undefined {
  if (statusText === undefined || PLAIN.test(statusText)) return statusText;
  return Buffer.from(statusText).toString('latin1');
}

const PLAIN = /^[\t\x20-\x7e]*$/;

/** The value of a header; of several the first. */
export function firstValue(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Headers that Connection headers name besides the usual ones; undefined where there are only the usual ones. */
function namedByConnection(raw: readonly string[]): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = (raw[i + 1] as string).toLowerCase();
    if (value === 'keep-alive' || value === 'close') continue;
    named ??= new Set();
    for (const token of tokens(value)) named.add(token);
  }
  return named;
}

function tokens(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((token) => token.trim());
}

/** Undefined when nothing is left. */
function withoutOurBaggage(value: string): string | undefined {
  const kept = value
    .split(',')
    .filter((member) => !member.trimStart().toLowerCase().startsWith('flyball.'))
    .join(',');
  return kept.trim() === '' ? undefined : kept;
}
