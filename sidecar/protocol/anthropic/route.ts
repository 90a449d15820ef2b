// Which path of the Anthropic API is what.

import type { Route } from '../protocol.ts';
import { FREE, FREE_METHODS, METERED, PAID } from '../routes.ts';

/** Some SDKs expect `/v1` in the base URL, others add it. */
const MESSAGES = /^(?:\/v1)?\/messages$/;

/** POST that costs no tokens and no dollars. Ids are matched strictly, so that no dots or escapes lead elsewhere. */
const FREE_POSTS =
  /^(?:\/v1)?(?:\/messages\/count_tokens|\/messages\/batches\/[A-Za-z0-9_-]+\/cancel|\/files)$/;

/**
 * Messages are metered. Counting tokens, uploading a file, cancelling a batch, reads and deletions are free. Everything
 * else may cost money that we cannot read: batches, agents, and whatever we do not know.
 */
export function route(method: string, path: string): Route {
  if (method !== 'POST') return FREE_METHODS.has(method) ? FREE : PAID;
  if (MESSAGES.test(path)) return METERED;
  return FREE_POSTS.test(path) ? FREE : PAID;
}
