// How a ledger line is written: by hand, because it happens twice per call and JSON.stringify takes longer.

import { policyLabel, type Violation } from '../core/refusal.ts';
import { toPrintable } from '../runtime/printable.ts';
import type { Decision, Settlement } from './ledger-line.ts';

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
  readonly #forbidder = new TextField('policy', 2 * MAX_NAME);
  readonly #policy = new TextField('policy', MAX_NAME);
  readonly #limit = new TextField('limit', MAX_NAME);

  /** The line of a decision, with its line break. At most 16 KiB. */
  decision(decision: Decision): string {
    const { call, refusal } = decision;
    return (
      `{"event":"decision","id":"${decision.id}","ts":${number(decision.wallMs)}` +
      `,"revision":${number(decision.revision)},"outcome":"${decision.outcome}"` +
      `,"class":"${refusal?.class ?? ''}","reason":"${refusal?.reason ?? ''}"` +
      this.#forbidder.of(refusal?.policy === undefined ? '' : policyLabel(refusal.policy)) +
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
      `,"reason":"${settlement.reason ?? ''}"` +
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
