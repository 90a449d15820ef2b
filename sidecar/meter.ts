// From what a request says to what it costs: estimates before, usage after.

import type { CallCost } from '../core/cost.ts';
import type { Metering } from '../core/decide.ts';
import type { Usage } from '../core/usage.ts';
import type { RequestFacts } from './protocol/protocol.ts';

/** What a model call used in the end. */
export type MeteredUse = {
  readonly usage: Usage;
  /** Tokens as limits count them. */
  readonly tokens: { readonly input: number; readonly output: number; readonly total: number };
  /** Undefined where the model has no price. */
  readonly spendMicros: number | undefined;
};

/** The cost of one model call, before and after. */
export interface MeteredCall {
  readonly cost: CallCost;
  readonly metering: Metering;
  /** From the provider's report. Teaches the estimator; the ratio is estimated / actual input. */
  reported(usage: Usage): MeteredUse & { readonly estimateRatio: number | undefined };
  /** Without a report: the estimated input, and the output that was seen. */
  guessed(outputBytes: number): MeteredUse;
}

/** Prices and estimates calls. */
export interface Meter {
  open(facts: RequestFacts, agent: string): MeteredCall;
}
