// Which session a call belongs to, from what clients send without being asked.

/**
 * Headers that name a session, the one that wins first: Claude Code, Codex, common clients, our own, MCP.
 * The protocol's own field ranks where `BODY_RANK` says.
 */
const SESSION_HEADERS = [
  'x-claude-code-session-id',
  'session-id',
  'session_id',
  'x-session-id',
  'flyball-session',
  'mcp-session-id',
] as const;

/** How many headers come before the field in the body. */
const BODY_RANK = { 'metadata.user_id': 1, prompt_cache_key: 5 } as const;

/** A session named in a body, and by which field. */
export type BodySession = { readonly field: keyof typeof BODY_RANK; readonly session: string | undefined };

/** The session; undefined when nothing names one. Header names in lower case. */
export function sessionOf(headers: ReadonlyMap<string, string>, body?: BodySession): string | undefined {
  const rank = body === undefined ? SESSION_HEADERS.length : BODY_RANK[body.field];
  for (let i = 0; i <= SESSION_HEADERS.length; i++) {
    if (i === rank && body?.session !== undefined) return body.session;
    const value = headers.get(SESSION_HEADERS[i] ?? '');
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}
