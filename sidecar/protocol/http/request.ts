// Bodies of other HTTP services are not read: they are forwarded as they come.

import type { ParsedRequest } from '../protocol.ts';

/** Never called, since no route is metered: a call is a broken invariant. */
export function parseRequest(): ParsedRequest {
  throw new Error('a plain HTTP body has no model call in it');
}
