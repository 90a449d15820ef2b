// In whose words a request is refused that names no upstream: a base URL without its last part, a wrong Host, a stop.
// SDKs show nothing of an error that is not in their own API's form.

import * as http from '../protocol/http/answer.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { Upstream } from '../upstream.ts';

/**
 * Renders refusals in the words of the upstream that the path begins with (`/openai/...`, `/@agent/openai/...`,
 * `/upstream/openai/...`), else of the API that has a model call at this path (`POST /v1/messages`), else as problem
 * details. Any text may be given as `url`.
 */
export function dialectOf(
  upstreams: ReadonlyMap<string, Upstream>,
  method: string,
  url: string,
): Protocol['toAnswer'] {
  const path = url.split('?', 1)[0] ?? '';
  const name = /^(?:\/@[^/]*)?(?:\/upstream)?\/([^/]*)/.exec(path)?.[1] ?? '';
  const named = upstreams.get(name)?.protocol;
  if (named !== undefined) return named.toAnswer;
  for (const { protocol } of upstreams.values()) {
    if (protocol.route(method, path).kind === 'metered') return protocol.toAnswer;
  }
  return http.toAnswer;
}
