// One line of the ledger: what goes in, what it holds, and how it is read back. What a line may hold is listed here:
// never a prompt, a tool argument, a key or a path. `ledger-format.ts` writes it.

import type { Call, CallKind } from '../core/call.ts';
import { isMap } from '../core/policy/finding.ts';
import type { DenyClass, Reason, Refusal, Violation } from '../core/refusal.ts';
import type { Usage } from '../core/usage.ts';
import { toPrintable } from '../runtime/printable.ts';
import { isDecisionId } from './decision-id.ts';

/**
 * allow = admitted at once, hold = admitted after it was held, deny = refused, shadow = admitted, though an enforced
 * limit would have refused it, aborted = its caller left while it was held.
 */
export const DECISION_OUTCOMES = ['allow', 'hold', 'deny', 'shadow', 'aborted'] as const;
export type DecisionOutcome = (typeof DECISION_OUTCOMES)[number];

/** What the proxy knows when a call is decided. */
export type Decision = {
  readonly id: string;
  readonly wallMs: number;
  /** Revision of the set of policies that decided. */
  readonly revision: number;
  readonly outcome: DecisionOutcome;
  readonly call: Call;
  /** The refusal (deny), or the one that was not enforced (shadow); undefined when admitted. */
  readonly refusal: Refusal | undefined;
  /** For admitted calls: the limit with the least room, if any limit matched. */
  readonly tightest: Violation | undefined;
  /** How long the call was held before this decision. */
  readonly heldMs: number;
};

/** What is said of one call in the end. */
export const SETTLE_OUTCOMES = ['ok', 'failed', 'aborted'] as const;
export type SettleOutcome = (typeof SETTLE_OUTCOMES)[number];

/** What the proxy knows when an admitted call is over. */
export type Settlement = {
  readonly id: string;
  readonly wallMs: number;
  readonly outcome: SettleOutcome;
  /** Status that the caller got; 0 when none was sent. */
  readonly status: number;
  /** Why the upstream failed; undefined where it did not. */
  readonly reason: Reason | undefined;
  /** What was charged; zeros for calls without tokens. */
  readonly usage: Usage;
  readonly costMicros: number;
  /** True when the provider reported no usage and the estimate was charged. */
  readonly estimated: boolean;
  /** From the parsed request to the end of the answer. */
  readonly durationMs: number;
  /** Who made the answer. */
  readonly origin: 'upstream' | 'flyball';
};

/** A limit with its numbers, as a line holds it. */
export type LimitLine = {
  readonly revision: number;
  readonly namespace: string;
  readonly policy: string;
  readonly limit: string;
  readonly unit: string;
  /** Names of the key parts, separated by commas; '' for one bucket for all. */
  readonly per: string;
  readonly quota: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  readonly requested: number;
};

export type DecisionLine = {
  readonly event: 'decision';
  readonly id: string;
  readonly ts: number;
  readonly revision: number;
  readonly outcome: DecisionOutcome;
  readonly class: DenyClass | '';
  readonly reason: Reason | '';
  /** The policy that forbids the tool, `namespace/name`; '' where the limits say why. */
  readonly policy: string;
  readonly tenant: string;
  readonly agent: string;
  readonly user: string;
  readonly session: string;
  readonly pod: string;
  readonly kind: CallKind;
  readonly upstream: string;
  readonly model: string;
  readonly tool: string;
  readonly waitMs: number;
  readonly heldMs: number;
  /** Refused: the violated limits, the binding one first. Admitted: the tightest one. At most 8. */
  readonly limits: readonly LimitLine[];
};

export type SettleLine = {
  readonly event: 'settle';
  readonly id: string;
  readonly ts: number;
  readonly outcome: SettleOutcome;
  readonly status: number;
  readonly reason: Reason | '';
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly costMicros: number;
  readonly estimated: boolean;
  readonly durationMs: number;
  readonly origin: 'upstream' | 'flyball';
};

export type LedgerLine = DecisionLine | SettleLine;

/** More than any writer of ours lets through. */
const MAX_TEXT = 256;

type FieldType = 'string' | 'number' | 'boolean';

const LIMIT_FIELDS: Readonly<Record<keyof LimitLine, FieldType>> = {
  revision: 'number',
  namespace: 'string',
  policy: 'string',
  limit: 'string',
  unit: 'string',
  per: 'string',
  quota: 'number',
  windowSeconds: 'number',
  remaining: 'number',
  requested: 'number',
};

const DECISION_FIELDS: Readonly<Record<Exclude<keyof DecisionLine, 'limits'>, FieldType>> = {
  event: 'string',
  id: 'string',
  ts: 'number',
  revision: 'number',
  outcome: 'string',
  class: 'string',
  reason: 'string',
  policy: 'string',
  tenant: 'string',
  agent: 'string',
  user: 'string',
  session: 'string',
  pod: 'string',
  kind: 'string',
  upstream: 'string',
  model: 'string',
  tool: 'string',
  waitMs: 'number',
  heldMs: 'number',
};

const SETTLE_FIELDS: Readonly<Record<keyof SettleLine, FieldType>> = {
  event: 'string',
  id: 'string',
  ts: 'number',
  outcome: 'string',
  status: 'number',
  reason: 'string',
  inputTokens: 'number',
  cacheReadTokens: 'number',
  cacheWriteTokens: 'number',
  outputTokens: 'number',
  costMicros: 'number',
  estimated: 'boolean',
  durationMs: 'number',
  origin: 'string',
};

/**
 * Reads a line with every field checked and every text made printable, because files are edited, cut and mixed with
 * other output. What stands before the first brace (the prefix of a log collector) is skipped. Undefined for anything
 * that is not a whole ledger line; unknown fields are kept out of the result. Never throws.
 */
export function parseLedgerLine(line: string): LedgerLine | undefined {
  const raw = parseObject(line.slice(Math.max(0, line.indexOf('{'))));
  if (raw === undefined || typeof raw.id !== 'string' || !isDecisionId(raw.id)) return undefined;
  if (raw.event === 'settle') {
    // Each field has the type that the table gives it; its words are those of the process that wrote them.
    return pick(raw, SETTLE_FIELDS) as SettleLine | undefined;
  }
  if (raw.event !== 'decision' || !Array.isArray(raw.limits)) return undefined;
  const decision = pick(raw, DECISION_FIELDS);
  const limits = raw.limits.map((limit: unknown) => (isMap(limit) ? pick(limit, LIMIT_FIELDS) : undefined));
  if (decision === undefined || limits.includes(undefined)) return undefined;
  // As above.
  return { ...decision, limits } as unknown as DecisionLine;
}

function parseObject(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function pick(
  raw: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, FieldType>>,
): object | undefined {
  const picked: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(fields)) {
    const value = raw[name];
    if (typeof value !== type || value === Number.POSITIVE_INFINITY) return undefined;
    picked[name] = typeof value === 'string' ? toPrintable(value, MAX_TEXT) : value;
  }
  return picked;
}
