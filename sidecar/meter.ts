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

/** How far the estimate of a call was off, each as |estimated - reported| / reported. */
export type EstimateError = {
  /** What most of the input was. */
  readonly text: 'prose' | 'code' | 'non_ascii';
  readonly input: number;
  /** Undefined where the provider reported no output. */
  readonly output: number | undefined;
};

/** The cost of one model call, before and after. */
export interface MeteredCall {
  readonly cost: CallCost;
  readonly metering: Metering;
  /** From the provider's report. Teaches the estimator; `error` is undefined for a report that nobody can learn from. */
  reported(usage: Usage): { readonly use: MeteredUse; readonly error: EstimateError | undefined };
  /**
   * Without a whole report: the input that a cut one named, else all of the estimated input (p99, since whoever leaves
   * before the report must not save by it); the output that it named, or the output that was seen, whichever is more.
   * An answer that is no stream shows nothing until it is made, so at least the output that was to be expected.
   */
  guessed(outputBytes: number, cut?: Usage): MeteredUse;
}

/** Prices and estimates calls. */
export interface Meter {
  open(facts: RequestFacts, agent: string): MeteredCall;
}
