import { describe, expect, it } from 'vitest';
import { type BodySession, sessionOf } from '../../../sidecar/protocol/session.ts';

/** In the order in which they win. */
const SOURCES = [
  'x-claude-code-session-id',
  'metadata.user_id',
  'session-id',
  'session_id',
  'x-session-id',
  'flyball-session',
  'prompt_cache_key',
  'mcp-session-id',
] as const;

function isBody(source: string): source is BodySession['field'] {
  return source === 'metadata.user_id' || source === 'prompt_cache_key';
}

/** The session when these sources name one each, their own name as its value. */
function sessionFrom(sources: readonly (typeof SOURCES)[number][]): string | undefined {
  const headers = new Map(
    sources.filter((source) => !isBody(source)).map((source) => [source as string, source as string]),
  );
  const field = sources.find(isBody);
  return sessionOf(headers, field && { field, session: field });
}

describe('the session of a call', () => {
  it.each(
    SOURCES.map((source, rank) => [source, SOURCES.slice(rank)] as const),
  )('is %s before all later sources', (source, sources) => {
    // A body belongs to one protocol: it names a session in one field.
    const later = sources.filter((each) => each === source || !isBody(source) || !isBody(each));
    for (const other of later) expect(sessionFrom([...new Set([source, other])])).toBe(source);
  });

  it('is unknown when nothing names one, and an empty header names nothing', () => {
    expect(sessionOf(new Map())).toBeUndefined();
    expect(sessionOf(new Map([['session-id', '']]), { field: 'prompt_cache_key', session: 'k' })).toBe('k');
  });
});
