// What an agent wants to do: who, what, and at what estimated cost.

/** LLM = a metered model call, Tool = a call known to be a tool call, HTTP = any other request. */
export const CALL_KINDS = ['LLM', 'Tool', 'HTTP'] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** What `per` may name. The value of a part for one call is a string; a missing one is UNKNOWN. */
export const KEY_PARTS = ['tenant', 'agent', 'user', 'session', 'tool', 'model', 'upstream', 'pod'] as const;
export type KeyPart = (typeof KEY_PARTS)[number];

/** The value of a key part that a call does not carry. It is limited like any other value. */
export const UNKNOWN = 'unknown';

/**
 * The model of a paid call that cannot be read: it could be any, so every limit on models applies to it. A caller who
 * names a model so gains nothing.
 */
export const UNREADABLE_MODEL = 'unreadable';

/**
 * The attributes of one call. All strings are bounded and already cleaned by the protocol that parsed them.
 */
export type Call = {
  readonly kind: CallKind;
  /** Namespace. */
  readonly tenant: string;
  readonly agent: string;
  readonly user: string;
  readonly session: string;
  /** The tool: for HTTP calls the first path segment behind the upstream; UNKNOWN for LLM calls. */
  readonly tool: string;
  /**
   * Every name under which this call could be known as a tool: all path segments of an HTTP call.
   * Restrictions and `match.tools` look at all of them, so that a prefix in the path opens no hole.
   */
  readonly toolNames: readonly string[];
  readonly model: string;
  /** Name of the upstream: openai, anthropic, or the name given by the user. */
  readonly upstream: string;
  readonly pod: string;
};
