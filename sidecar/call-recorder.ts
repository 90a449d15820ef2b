// Writes down what happens to calls: a line in the ledger, the metrics, and the totals of the usage table. No call waits
// for it: what happened in one turn of the event loop is written at the end of the turn.

import type { Standing, Warning } from '../core/decide.ts';
import type { Chain } from '../core/engine/chain.ts';
import { policyOf } from '../core/policy/plan.ts';
import { type PolicyName, policyLabel, type Reason, type Refusal, type Violation } from '../core/refusal.ts';
import { toViolation } from '../core/refuse.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AbandonedCall, CallObserver, CallOutcome, DecidedCall, SettledCall } from './call-observer.ts';
import type { Ledger } from './ledger.ts';
import type { DecisionOutcome, SettleOutcome } from './ledger-line.ts';
import type { EstimateError } from './meter.ts';
import { BAD_INPUT_REASONS, type Metrics, toStatusClass } from './metrics.ts';
import { ModelCounters } from './model-counters.ts';
import type { UsageTotals } from './usage-totals.ts';

/** Where it is written. */
export type Records = {
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly totals: UsageTotals;
  readonly clock: Clock;
  /** The limits of a chain that have newly reached a band of their `warnAt`. */
  warnings(chain: Chain): readonly Warning[];
  /** Told about each of them. Must not throw, and must not ask for what was recorded. */
  warned(warning: Warning): void;
  /** The limit of the chain with the least room. */
  tightest(chain: Chain): { readonly at: number; readonly standing: Standing } | undefined;
};

const NO_USAGE = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };

const SETTLE_OUTCOME_OF: Readonly<Record<CallOutcome, SettleOutcome>> = {
  complete: 'ok',
  'client-abort': 'aborted',
  shutdown: 'aborted',
  'upstream-broken': 'failed',
  'upstream-failed': 'failed',
};

const UPSTREAM_FAILURES = [
  { reason: 'UPSTREAM_UNREACHABLE', label: 'unreachable' },
  { reason: 'UPSTREAM_TIMEOUT', label: 'timeout' },
  { reason: 'UPSTREAM_BROKEN', label: 'broken' },
] as const satisfies readonly { readonly reason: Reason; readonly label: string }[];

/** An observer that records. */
export class CallRecorder implements CallObserver {
  readonly #records: Records;
  readonly #counters: ModelCounters;
  #pending: (() => void)[] = [];

  constructor(records: Records) {
    this.#records = records;
    this.#counters = new ModelCounters(records.metrics);
  }

  decided(decided: DecidedCall): void {
    const records = this.#records;
    const { charged } = decided;
    const wallMs = records.clock.wallMs();
    // As the buckets stand now.
    const tightest = charged && toTightest(records, charged);
    const warnings = charged === undefined ? [] : records.warnings(charged.chain);
    this.#later(() => {
      recordDecision(records, decided, { wallMs, tightest });
      for (const warning of warnings) recordWarning(records, warning);
    });
  }

  abandoned(abandoned: AbandonedCall): void {
    const wallMs = this.#records.clock.wallMs();
    this.#later(() => recordAbandoned(this.#records, abandoned, wallMs));
  }

  settled(settled: SettledCall): void {
    const wallMs = this.#records.clock.wallMs();
    this.#later(() => recordSettlement(this.#records, this.#counters, { settled, wallMs }));
  }

  /** Writes down now what has happened so far. */
  flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const record of pending) record();
  }

  #later(record: () => void): void {
    if (this.#pending.length === 0) setImmediate(() => this.flush());
    this.#pending.push(record);
  }
}

/** When a decision was made, and the limit with the least room then. */
type Moment = { readonly wallMs: number; readonly tightest: Violation | undefined };

function recordDecision(records: Records, decided: DecidedCall, { wallMs, tightest }: Moment): void {
  const { call, heldMs } = decided;
  const refusal = decided.refusal ?? decided.shadow;
  const outcome = outcomeOf(decided, refusal !== undefined);
  countDecision(records.metrics, decided, { refusal, outcome, binding: bindingOf(refusal, tightest) });
  records.totals.decided(call, decided.refusal?.class, heldMs);
  records.ledger.decide({
    id: decided.id,
    wallMs,
    revision: decided.revision,
    outcome,
    call,
    refusal,
    tightest: decided.refusal === undefined ? tightest : undefined,
    heldMs,
  });
}

function recordAbandoned(records: Records, abandoned: AbandonedCall, wallMs: number): void {
  const { metrics, ledger } = records;
  const { id, call, revision, heldMs } = abandoned;
  metrics.decisions.at({ policy: 'none', limit: 'none', outcome: 'aborted', class: 'none' }).add(1);
  metrics.holdTime.at({ outcome: 'aborted' }).record(heldMs / 1_000);
  ledger.decide({
    id,
    wallMs,
    revision,
    outcome: 'aborted',
    call,
    refusal: undefined,
    tightest: undefined,
    heldMs,
  });
}

/** What a decision came to, as metrics and ledger name it. */
type Outcome = {
  /** The refusal, or the one that was not enforced. */
  readonly refusal: Refusal | undefined;
  readonly outcome: DecisionOutcome;
  readonly binding: Binding | undefined;
};

/** What decided: a limit, or a policy without one. */
type Binding = { readonly policy: PolicyName; readonly limit?: string };

function bindingOf(refusal: Refusal | undefined, tightest: Violation | undefined): Binding | undefined {
  if (refusal === undefined) return tightest;
  return refusal.violations[0] ?? (refusal.policy && { policy: refusal.policy });
}

function countDecision(metrics: Metrics, decided: DecidedCall, { refusal, outcome, binding }: Outcome): void {
  metrics.decisions
    .at({
      policy: binding === undefined ? 'none' : policyLabel(binding.policy),
      limit: binding?.limit ?? 'none',
      outcome,
      class: refusal?.class ?? 'none',
    })
    .add(1);
  const badInput = BAD_INPUT_REASONS.find((reason) => reason === decided.refusal?.reason);
  if (badInput !== undefined) metrics.badInput.at({ reason: badInput }).add(1);
  const isAdmitted = decided.refusal === undefined;
  if (isAdmitted) metrics.addedLatency.at({ kind: decided.call.kind }).record(decided.decidingMs / 1_000);
  if (decided.heldMs > 0) {
    metrics.holdTime.at({ outcome: isAdmitted ? 'admitted' : 'refused' }).record(decided.heldMs / 1_000);
  }
}

function recordWarning(records: Records, warning: Warning): void {
  const { rule } = warning.standing;
  const policy = policyLabel(policyOf(rule));
  records.metrics.warnings.at({ policy, limit: rule.limit, band: String(warning.band) }).add(1);
  records.warned(warning);
}

function outcomeOf(decided: DecidedCall, refused: boolean): DecisionOutcome {
  if (decided.refusal !== undefined) return 'deny';
  if (refused) return 'shadow';
  return decided.heldMs > 0 ? 'hold' : 'allow';
}

function toTightest(records: Records, charged: NonNullable<DecidedCall['charged']>): Violation | undefined {
  const tightest = records.tightest(charged.chain);
  if (tightest === undefined) return undefined;
  const { at, standing } = tightest;
  return toViolation(standing.rule, standing.remaining, charged.cost[charged.chain.chargeAt[at] ?? 0] ?? 0);
}

function recordSettlement(
  records: Records,
  counters: ModelCounters,
  { settled, wallMs }: { readonly settled: SettledCall; readonly wallMs: number },
): void {
  const { metrics, ledger, totals } = records;
  const { call, usage, spendMicros } = settled;
  const outcome = SETTLE_OUTCOME_OF[settled.outcome];
  metrics.calls
    .at({ upstream: call.upstream, kind: call.kind, outcome, status: toStatusClass(settled.status) })
    .add(1);
  const failure = UPSTREAM_FAILURES.find(({ reason }) => reason === settled.failure);
  if (failure !== undefined)
    metrics.upstreamFailures.at({ upstream: call.upstream, reason: failure.label }).add(1);
  if (settled.estimateError !== undefined) recordEstimate(metrics, settled.estimateError);
  if (usage !== undefined) counters.add(call, usage, spendMicros);
  totals.settled(call, usage, spendMicros);
  ledger.settle({
    id: settled.id,
    wallMs,
    outcome,
    status: settled.status,
    reason: settled.failure,
    usage: usage ?? NO_USAGE,
    costMicros: spendMicros ?? 0,
    estimated: settled.estimated,
    durationMs: settled.durationMs,
    origin: settled.status === 0 || settled.outcome === 'upstream-failed' ? 'flyball' : 'upstream',
  });
}

function recordEstimate(metrics: Metrics, { text, input, output }: EstimateError): void {
  metrics.estimateError.at({ direction: 'input', text }).record(input);
  if (output !== undefined) metrics.estimateError.at({ direction: 'output', text }).record(output);
}
