// One pass over the headers of a message: what is forwarded, and what we need to know.

/**
 * What happens to a header by its name; all others are forwarded.
 * - hop: belongs to one connection (RFC 9110, 7.6.1), or is set anew for the upstream. `expect` is answered by us.
 * - single: says who is calling or how to read the body. Two of one kind would be read differently by different
 *   parties, so a repeated one is refused.
 */
const ROLES: ReadonlyMap<string, 'hop' | 'single' | 'baggage' | 'accept-encoding'> = new Map([
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
    'x-stainless-timeout',
    'x-stainless-read-timeout',
    'x-stainless-retry-count',
    'content-type',
    'content-encoding',
    'authorization',
    'x-api-key',
  ].map((name) => [name, 'single'] as const),
  ['flyball-user', 'single'],
  ['flyball-session', 'single'],
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
  readonly repeated: string | undefined;
  /** Position of accept-encoding's value in `forwarded`; -1 when absent. */
  readonly acceptEncodingAt: number;
};

/** Reads a request's raw headers (alternating names and values). Our own headers never reach the upstream. */
export function readRequestHeaders(raw: readonly string[]): RequestHeaders {
  const forwarded: string[] = [];
  const single = new Map<string, string>();
  let repeated: string | undefined;
  let acceptEncodingAt = -1;
  const named = namedByConnection(raw);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    const lower = name.toLowerCase();
    const role = ROLES.get(lower);
    if (role === 'single') {
      repeated ??= single.has(lower) ? lower : undefined;
      single.set(lower, value);
    }
    if (staysHere(lower, named)) continue;
    if (role === 'accept-encoding') acceptEncodingAt = forwarded.length + 1;
    forwarded.push(name, role === 'baggage' ? withoutOurBaggage(value) : value);
  }
  return { forwarded, single, repeated, acceptEncodingAt };
}

/** Headers of one connection, those that its Connection header names, and ours. */
function staysHere(lower: string, named: ReadonlySet<string> | undefined): boolean {
  return ROLES.get(lower) === 'hop' || lower.startsWith('flyball-') || named?.has(lower) === true;
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
    contentType: first(headers['content-type']) ?? '',
    contentEncoding: first(headers['content-encoding']) ?? '',
    contentLength: first(headers['content-length']),
  };
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Headers that a Connection header names besides the usual ones; undefined for the usual Connection headers. */
function namedByConnection(raw: readonly string[]): Set<string> | undefined {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = (raw[i + 1] as string).toLowerCase();
    if (value !== 'keep-alive' && value !== 'close') return new Set(tokens(value));
  }
  return undefined;
}

function tokens(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((token) => token.trim());
}

function withoutOurBaggage(value: string): string {
  return value
    .split(',')
    .filter((member) => !member.trimStart().toLowerCase().startsWith('flyball.'))
    .join(',');
}
