// Decisions and settlements for the tests of the ledger.

import type { Call } from '../../core/call.ts';
import type { Refusal, Violation } from '../../core/refusal.ts';
import type { Decision, Settlement } from '../../sidecar/ledger-line.ts';

export const CALL: Call = {
  kind: 'LLM',
  tenant: 'agents',
  agent: 'reviewer',
  user: 'ann@example.com',
  session: 's-1',
  tool: 'unknown',
  toolNames: ['v1', 'chat'],
  model: 'gpt-4o',
  upstream: 'openai',
  pod: 'reviewer-7d5b9c',
};

export const VIOLATION: Violation = {
  policy: { namespace: 'agents', name: 'code-review', revision: 3 },
  limit: 'tokens-per-user',
  unit: 'TotalTokens',
  per: ['user', 'model'],
  quota: 10_000,
  windowSeconds: 3_600,
  remaining: 12,
  requested: 500,
};

export const REFUSAL: Refusal = {
  class: 'THROTTLED',
  reason: 'TOKEN_RATE_EXCEEDED',
  waitMs: 7_412,
  violations: [VIOLATION],
  detail: 'tokens are used up',
};

export function decisionOf(id: string, change: Partial<Decision> = {}): Decision {
  return {
    id,
    wallMs: 1_764_000_000_000,
    revision: 12,
    outcome: 'allow',
    call: CALL,
    refusal: undefined,
    tightest: VIOLATION,
    heldMs: 0,
    ...change,
  };
}

export function settlementOf(id: string, change: Partial<Settlement> = {}): Settlement {
  return {
    id,
    wallMs: 1_764_000_000_900,
    outcome: 'ok',
    status: 200,
    reason: undefined,
    usage: { inputTokens: 812, cacheReadTokens: 100, cacheWriteTokens: 7, outputTokens: 120 },
    costMicros: 1_234,
    estimated: false,
    durationMs: 843,
    origin: 'upstream',
    ...change,
  };
}
