// Every refusal that no policy causes: what was sent cannot be governed, the upstream failed, or we are stopping.

import { hashString } from '../../core/hash-string.ts';
import type { Reason, Refusal } from '../../core/refusal.ts';
import { spreadWaitMs } from '../../core/refuse.ts';

/** Input that cannot be read or governed. */
export function malformed(detail: string): Refusal {
  return refusal('INVALID', 'MALFORMED_REQUEST', detail);
}

/** A path that leads nowhere. */
export function unknownRoute(detail: string): Refusal {
  return refusal('INVALID', 'UNKNOWN_ROUTE', detail);
}

/** Who is calling is missing or contradictory. */
export function identityInvalid(detail: string): Refusal {
  return refusal('UNAUTHENTICATED', 'IDENTITY_INVALID', detail);
}

/** The body is larger than `maxBytes`, as sent or as decoded. */
export function bodyTooLarge(maxBytes: number): Refusal {
  return refusal('TOO_LARGE', 'BODY_TOO_LARGE', `The request body is larger than ${maxBytes} bytes.`);
}

/** The process is stopping. Callers on different connections are told different waits. */
export function stopping(connectionId: number): Refusal {
  const waitMs = spreadWaitMs(hashString(String(connectionId)));
  return { ...refusal('UNAVAILABLE', 'SHUTTING_DOWN', 'The sidecar is stopping.'), waitMs };
}

/** What an error of a call to an upstream says. Only what certainly was not sent may be called unreachable. */
export function upstreamFailed(error: unknown, wasSent: boolean): Refusal {
  const code = (error as { code?: unknown } | undefined)?.code; // Errors of undici and of sockets carry a code.
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return refusal('UPSTREAM_FAILED', 'UPSTREAM_TIMEOUT', 'The upstream did not answer in time.');
  if (!wasSent)
    return refusal('UPSTREAM_FAILED', 'UPSTREAM_UNREACHABLE', 'No connection to the upstream could be made.');
  return refusal('UPSTREAM_FAILED', 'UPSTREAM_BROKEN', 'The upstream broke off before it answered.');
}

function refusal(denyClass: Refusal['class'], reason: Reason, detail: string): Refusal {
  return { class: denyClass, reason, waitMs: 0, violations: [], detail };
}
