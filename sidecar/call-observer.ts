// What happens to a call, told to whoever records it: the ledger, the metrics and the usage totals.

import type { Call } from '../core/call.ts';
import type { CallCost } from '../core/cost.ts';
import type { Chain } from '../core/engine/chain.ts';
import type { Reason, Refusal } from '../core/refusal.ts';
import type { Usage } from '../core/usage.ts';
import type { EstimateError } from './meter.ts';

/** One decision, told once per call. */
export type DecidedCall = {
  readonly id: string;
  readonly call: Call;
  readonly revision: number;
  /** Undefined = admitted. */
  readonly refusal: Refusal | undefined;
  /** What an admitted call was charged to and how much; undefined for refusals. */
  readonly charged: { readonly chain: Chain; readonly cost: CallCost } | undefined;
  /** What Shadow policies would have refused an admitted call with; undefined when they would not. */
  readonly shadow: Refusal | undefined;
  readonly heldMs: number;
  /** From the request's last needed byte to the decision, holds not counted, in milliseconds with fractions. */
  readonly decidingMs: number;
};

/** A call that was neither admitted nor refused: its caller left while it was held. Told instead of the decision. */
export type AbandonedCall = Pick<DecidedCall, 'id' | 'call' | 'revision' | 'heldMs'>;

/** How an admitted call ended. */
export type CallOutcome =
  | 'complete'
  | 'client-abort'
  /** Broke after its first byte. */
  | 'upstream-broken'
  /** Dead or broken before its first byte. */
  | 'upstream-failed'
  /** Ended by us: shutdown. */
  | 'shutdown';

/** The end of an admitted call, told once. */
export type SettledCall = {
  readonly id: string;
  readonly call: Call;
  readonly outcome: CallOutcome;
  /** Status that the caller got: the upstream's, or ours where the upstream failed before its answer; 0 = none. */
  readonly status: number;
  /** Why the upstream failed; undefined where it did not. */
  readonly failure: Reason | undefined;
  /** Tokens charged; undefined for calls that were charged none. */
  readonly usage: Usage | undefined;
  /** Undefined where the model has no price. */
  readonly spendMicros: number | undefined;
  /** True when the tokens are our estimate, not the provider's report. */
  readonly estimated: boolean;
  /** How far the estimate was off; undefined where no usage was reported. */
  readonly estimateError: EstimateError | undefined;
  /** From admission to the end. */
  readonly durationMs: number;
};

/** Told synchronously, between reading and writing for callers: must not throw, and leaves for later what can wait. */
export interface CallObserver {
  decided(call: DecidedCall): void;
  abandoned(call: AbandonedCall): void;
  settled(call: SettledCall): void;
}
