// Any other HTTP service: calls are counted, and cost no tokens, unless they look like calls of a model.

import type { Route } from '../protocol.ts';
import { PAID } from '../routes.ts';

const COUNTED: Route = { kind: 'unparsed', paid: false };

/** How the paths of model APIs end, whoever serves them and however leniently. */
const MODEL_CALL =
  /\/(?:chat\/completions|completions|messages|responses|embeddings|images\/(?:generations|edits)|audio\/[a-z]+)\/*$/i;

/**
 * A call of a tool server costs no tokens and no dollars. One that ends like a call of a model API may: a provider that
 * was given another name must not be free under a token or dollar limit.
 */
export function route(method: string, path: string): Route {
  return method === 'POST' && MODEL_CALL.test(path) ? PAID : COUNTED;
}
