// Which paths of the Anthropic API are model calls, which are free, and which cost what we cannot read.

import type { Route } from '../protocol.ts';

const METERED: Route = { kind: 'metered' };
const FREE: Route = { kind: 'free' };
const UNREADABLE: Route = { kind: 'unparsed', paid: true };

/** Reads, deletions and probes cost nothing. */
const FREE_METHODS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** Writes that the provider does not bill: counting tokens, uploads, and ending what is running. */
const FREE_WRITES = [
  /^\/v1\/messages\/count_tokens$/,
  /^\/v1\/files$/,
  /^\/v1\/messages\/batches\/[^/]+\/cancel$/,
];

/** Total: a write that is not known here may cost money, so it is taken for paid. */
export function route(method: string, path: string): Route {
  if (method === 'POST' && path === '/v1/messages') return METERED;
  if (FREE_METHODS.has(method) || FREE_WRITES.some((known) => known.test(path))) return FREE;
  return UNREADABLE;
}
