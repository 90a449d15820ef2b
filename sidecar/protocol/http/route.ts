// Any other HTTP service: calls are counted, and cost no tokens.

import type { Route } from '../protocol.ts';

const COUNTED: Route = { kind: 'unparsed', paid: false };

/** Every path of a tool server is a call that costs no tokens and no dollars. */
export function route(): Route {
  return COUNTED;
}
