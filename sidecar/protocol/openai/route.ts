// Which path of the OpenAI API is what.

import type { Route } from '../protocol.ts';
import { FREE, FREE_METHODS, METERED, PAID } from '../routes.ts';

const CHAT_COMPLETIONS = /^(?:\/v1)?\/chat\/completions$/;

/** A GET that opens a session in which models work. */
const SESSIONS = /\/(?:realtime|responses)\/?$/;

/**
 * POST that costs no tokens and no dollars: it uploads, counts, cancels, or labels what is stored. Ids are matched
 * strictly, so that no dots or escapes lead elsewhere.
 */
const FREE_POSTS: readonly RegExp[] = [
  '/files',
  '/uploads',
  '/uploads/ID/(?:parts|complete|cancel)',
  '/moderations',
  '/responses/input_tokens',
  '/responses/ID/cancel',
  '/batches/ID/cancel',
  '/chat/completions/ID',
  '/fine_tuning/jobs/ID/(?:cancel|pause)',
].map((path) => new RegExp(`^(?:/v1)?${path.replace('ID', '[A-Za-z0-9_-]+')}$`));

/**
 * Chat completions are metered, with or without `/v1`. Reads, deletions and the few POSTs in the table are free.
 * Everything else may cost money that we cannot read: other endpoints, and whatever we do not know.
 */
export function route(method: string, path: string): Route {
  if (method === 'POST') {
    if (CHAT_COMPLETIONS.test(path)) return METERED;
    return FREE_POSTS.some((free) => free.test(path)) ? FREE : PAID;
  }
  return FREE_METHODS.has(method) && !SESSIONS.test(path) ? FREE : PAID;
}
