// One line of the ledger, both ways. Written by hand because it happens twice per call; read with every field
// checked because files are edited, cut and mixed with other output. What a line may hold is listed here: never a
// prompt, a tool argument, a key or a path.

import type { Call, CallKind } from '../core/call.ts';
import type { DenyClass, Reason, Refusal, Violation } from '../core/refusal.ts';
import type { Usage } from '../core/usage.ts';
import { toPrintable } from '../runtime/printable.ts';
import { isDecisionId } from './decision-id.ts';

/**
 * allow = admitted at once, hold = admitted after it was held, deny = refused, shadow = admitted, though an enforced
 * limit would have refused it.
 */
export type DecisionOutcome = 'allow' | 'hold' | 'deny' | 'shadow';

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

export type SettleOutcome = 'ok' | 'failed' | 'aborted';

/** What the proxy knows when an admitted call is over. */
export type Settlement = {
  readonly id: string;
  readonly wallMs: number;
  readonly outcome: SettleOutcome;
  /** Status that the caller got; 0 when none was sent. */
  readonly status: number;
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

/** Users and sessions are chosen by callers: enough of them to recognise one, no more. */
const MAX_CALLER_TEXT = 64;
const MAX_NAME = 128;
const MAX_LIMITS = 8;
const MAX_CACHED = 1_000;

/**
 * A text field as it stands in a line, `,"agent":"reviewer"`, remembered by value: most calls of a sidecar carry the
 * same few names, and a lookup costs a third of looking at every character.
 */
class TextField {
  readonly #head: string;
  readonly #maxLength: number;
  readonly #known = new Map<string, string>();

  constructor(name: string, maxLength: number) {
    this.#head = `,"${name}":`;
    this.#maxLength = maxLength;
  }

  of(value: string): string {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const field = this.#head + JSON.stringify(toPrintable(value, this.#maxLength));
    // Callers may send a new user with every call: what is remembered is bounded in number and length.
    if (this.#known.size >= MAX_CACHED) this.#known.clear();
    if (value.length <= this.#maxLength) this.#known.set(value, field);
    return field;
  }
}

/** Writes the lines of one ledger. */
export class LedgerFormat {
  readonly #tenant = new TextField('tenant', MAX_NAME);
  readonly #agent = new TextField('agent', MAX_NAME);
  readonly #user = new TextField('user', MAX_CALLER_TEXT);
  readonly #session = new TextField('session', MAX_CALLER_TEXT);
  readonly #pod = new TextField('pod', MAX_NAME);
  readonly #upstream = new TextField('upstream', MAX_NAME);
  readonly #model = new TextField('model', MAX_NAME);
  readonly #tool = new TextField('tool', MAX_NAME);
  readonly #namespace = new TextField('namespace', MAX_NAME);
  readonly #policy = new TextField('policy', MAX_NAME);
  readonly #limit = new TextField('limit', MAX_NAME);

  /** The line of a decision, with its line break. At most 16 KiB. */
  decision(decision: Decision): string {
    const { call, refusal } = decision;
    return (
      `{"event":"decision","id":"${decision.id}","ts":${number(decision.wallMs)}` +
      `,"revision":${number(decision.revision)},"outcome":"${decision.outcome}"` +
      `,"class":"${refusal?.class ?? ''}","reason":"${refusal?.reason ?? ''}"` +
      this.#tenant.of(call.tenant) +
      this.#agent.of(call.agent) +
      this.#user.of(call.user) +
      this.#session.of(call.session) +
      this.#pod.of(call.pod) +
      `,"kind":"${call.kind}"` +
      this.#upstream.of(call.upstream) +
      this.#model.of(call.model) +
      this.#tool.of(call.tool) +
      `,"waitMs":${number(refusal?.waitMs ?? 0)},"heldMs":${number(decision.heldMs)}` +
      `,"limits":[${this.#limits(refusal?.violations, decision.tightest)}]}\n`
    );
  }

  #limits(violations: readonly Violation[] | undefined, tightest: Violation | undefined): string {
    if (violations === undefined) return tightest === undefined ? '' : this.#limitLine(tightest);
    let limits = '';
    for (const violation of violations.slice(0, MAX_LIMITS)) {
      limits += limits === '' ? this.#limitLine(violation) : `,${this.#limitLine(violation)}`;
    }
    return limits;
  }

  #limitLine(violation: Violation): string {
    const { policy } = violation;
    return (
      `{"revision":${number(policy.revision)}` +
      this.#namespace.of(policy.namespace) +
      this.#policy.of(policy.name) +
      this.#limit.of(violation.limit) +
      `,"unit":"${violation.unit}","per":"${joined(violation.per)}"` +
      `,"quota":${number(violation.quota)},"windowSeconds":${number(violation.windowSeconds)}` +
      `,"remaining":${number(violation.remaining)},"requested":${number(violation.requested)}}`
    );
  }

  /** The line of a settlement, with its line break. */
  settlement(settlement: Settlement): string {
    const { usage } = settlement;
    return (
      `{"event":"settle","id":"${settlement.id}","ts":${number(settlement.wallMs)}` +
      `,"outcome":"${settlement.outcome}","status":${number(settlement.status)}` +
      `,"inputTokens":${number(usage.inputTokens)},"cacheReadTokens":${number(usage.cacheReadTokens)}` +
      `,"cacheWriteTokens":${number(usage.cacheWriteTokens)},"outputTokens":${number(usage.outputTokens)}` +
      `,"costMicros":${number(settlement.costMicros)},"estimated":${settlement.estimated}` +
      `,"durationMs":${number(settlement.durationMs)},"origin":"${settlement.origin}"}\n`
    );
  }
}

function joined(per: readonly string[]): string {
  return per.length === 1 ? (per[0] ?? '') : per.join(',');
}

/** A number that is none would make the line unreadable; it is written as -1, which no amount of ours can be. */
function number(value: number): string | number {
  return Number.isFinite(value) ? value : -1;
}

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
 * Reads a line; what stands before its first brace (the prefix of a log collector) is skipped. Undefined for anything
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
  const limits = raw.limits.map((limit: unknown) =>
    isRecord(limit) ? pick(limit, LIMIT_FIELDS) : undefined,
  );
  if (decision === undefined || limits.includes(undefined)) return undefined;
  // As above.
  return { ...decision, limits } as unknown as DecisionLine;
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pick(raw: Record<string, unknown>, fields: Readonly<Record<string, FieldType>>): object | undefined {
  const picked: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(fields)) {
    if (typeof raw[name] !== type) return undefined;
    picked[name] = raw[name];
  }
  return picked;
}
