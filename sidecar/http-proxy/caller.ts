// The call that a request makes: who, what, and how long its caller will wait.

import { type Call, UNKNOWN, UNREADABLE_MODEL } from '../../core/call.ts';
import { cleanId, type Workload } from '../identity.ts';
import type { RequestFacts } from '../protocol/protocol.ts';
import { type BodySession, sessionOf } from '../protocol/session.ts';

/** Used where a client says nothing about its deadline: quota.md section 7. */
const MAX_HOLD_MS = 60_000;

/** A hold may take this share of the client's own deadline. */
const DEADLINE_SHARE = 0.25;

const NO_TOOLS: readonly string[] = [];

/** Of a request that is refused before it is looked into. */
export const NO_CONTENT: RequestContent = { facts: undefined, toolNames: NO_TOOLS, isUnreadable: false };

/** What the request says beside its headers. */
export type RequestContent = {
  /** Undefined for requests whose body is not read. */
  readonly facts: RequestFacts | undefined;
  readonly toolNames: readonly string[];
  /** True for a paid route whose model and cost cannot be read. */
  readonly isUnreadable: boolean;
};

/** The call, with every attribute cleaned. User and session come from headers first, then from the protocol's own fields. */
export function identify(
  workload: Workload,
  headers: ReadonlyMap<string, string>,
  target: { readonly agent: string | undefined; readonly upstream: string },
  { facts, toolNames, isUnreadable }: RequestContent,
): Call {
  const tools = toolNames.length === 0 ? NO_TOOLS : toolNames.map(cleanId);
  return {
    kind: facts === undefined ? 'HTTP' : 'LLM',
    tenant: workload.tenant,
    agent: target.agent ?? workload.agent,
    user: cleanId(headers.get('flyball-user') ?? facts?.user ?? workload.user),
    session: cleanId(sessionOf(headers, bodySession(target.upstream, facts)) ?? workload.pod),
    tool: tools[0] ?? UNKNOWN,
    toolNames: tools,
    model: isUnreadable ? UNREADABLE_MODEL : cleanId(facts?.model),
    upstream: target.upstream,
    pod: workload.pod,
  };
}

/** The session named in the body, and where it ranks. */
function bodySession(upstream: string, facts: RequestFacts | undefined): BodySession | undefined {
  if (facts?.session === undefined) return undefined;
  return {
    field: upstream === 'anthropic' ? 'metadata.user_id' : 'prompt_cache_key',
    session: facts.session,
  };
}

/** The longest hold that the client's own deadline allows, in milliseconds. Both SDK families say it in seconds. */
export function holdBoundMs(headers: ReadonlyMap<string, string>): number {
  const text = headers.get('x-stainless-timeout') ?? headers.get('x-stainless-read-timeout');
  const seconds = text === undefined ? Number.NaN : Number(text);
  if (!(seconds > 0)) return MAX_HOLD_MS;
  return Math.min(MAX_HOLD_MS, Math.floor(seconds * 1_000 * DEADLINE_SHARE));
}
