// What a unit is called outside: in the machine-readable object, in a sentence, and in the RateLimit fields.

import type { Unit } from '../unit.ts';

/** The three names of a unit. All amounts beside them are in the smallest step, except in sentences. */
export type UnitLabel = {
  /** In the Backpressure object. Says the step: `cost_micros`, `compute_ms`. */
  readonly wire: string;
  /** In a sentence, plural. */
  readonly words: string;
  /**
   * The `qu` parameter of RateLimit-Policy. Only `requests` and `concurrent-requests` are registered
   * (draft-ietf-httpapi-ratelimit-headers); what is neither carries our vendor prefix, so that nobody takes tokens
   * for requests.
   */
  readonly quotaUnit: string;
};

/** Names of every unit. */
export const UNIT_LABELS: Readonly<Record<Unit, UnitLabel>> = {
  Requests: { wire: 'requests', words: 'requests', quotaUnit: 'requests' },
  ToolCalls: { wire: 'tool_calls', words: 'tool calls', quotaUnit: 'flyball:tool_calls' },
  InputTokens: { wire: 'input_tokens', words: 'input tokens', quotaUnit: 'flyball:input_tokens' },
  OutputTokens: { wire: 'output_tokens', words: 'output tokens', quotaUnit: 'flyball:output_tokens' },
  TotalTokens: { wire: 'total_tokens', words: 'total tokens', quotaUnit: 'flyball:total_tokens' },
  ComputeSeconds: { wire: 'compute_ms', words: 'compute seconds', quotaUnit: 'flyball:compute_ms' },
  Concurrency: { wire: 'concurrency', words: 'concurrent calls', quotaUnit: 'concurrent-requests' },
  USD: { wire: 'cost_micros', words: 'dollars', quotaUnit: 'flyball:cost_micros' },
};
