// Callers who do as they are told, in virtual time: each is refused, waits what was announced, and comes again.

import { type DecideRequest, Decider, type Decision } from '../../core/decide.ts';
import type { LimitRule } from '../../core/policy/plan.ts';
import { costOf, createCall } from './sample-rules.ts';

/** One caller. `returnsAfterMs` turns the announced wait into the time after which it really comes. */
export type Caller = {
  readonly amount: number;
  readonly hash: number;
  returnsAfterMs(waitMs: number): number;
};

/** What became of one caller. Times since the first call. */
export type Journey = { refusals: number; passedMs: number; readonly announcedMs: number[] };

/** A decider with these rules and room for every key. */
export function createDecider(rules: readonly LimitRule[], nowMs = 0): Decider {
  const decider = new Decider({ maxBuckets: 10_000, maxKeysPerAgent: 10_000, maxChains: 1_000 });
  decider.apply({ revision: 1, rules, tools: [] }, nowMs);
  return decider;
}

/** A request for tokens by a caller of this number. */
export function tokenRequest(
  amount: number,
  hash: number,
  given: Partial<DecideRequest> = {},
): DecideRequest {
  return {
    call: createCall(),
    cost: costOf({ Requests: 1, TotalTokens: amount, Concurrency: 1 }),
    metering: 'complete',
    maxHoldMs: 0,
    callerHash: () => hash,
    ...given,
  };
}

/** The announced wait; undefined when the call was admitted. */
export function waitOf(decision: Decision): number | undefined {
  if (decision.kind === 'refuse') return decision.refusal.waitMs;
  if (decision.kind === 'hold') throw new Error('nobody may be held here');
  return undefined;
}

/** All callers come at `startMs` together; whoever is refused comes again when it was told, until all have passed. */
export function sendTogether(decider: Decider, callers: readonly Caller[], startMs: number): Journey[] {
  const journeys = callers.map((): Journey => ({ refusals: 0, passedMs: 0, announcedMs: [] }));
  let due = callers.map((caller, at) => ({ caller, at, atMs: startMs }));
  while (due.length > 0) {
    const nowMs = Math.min(...due.map(({ atMs }) => atMs));
    const later: typeof due = [];
    for (const one of due) {
      if (one.atMs > nowMs) later.push(one);
      else later.push(...attempt(decider, one, nowMs, journeys[one.at] as Journey));
    }
    due = later;
    if (nowMs > startMs + 1e14) throw new Error('somebody never passes');
  }
  for (const journey of journeys) journey.passedMs -= startMs;
  return journeys;
}

type Due = { readonly caller: Caller; readonly at: number; readonly atMs: number };

function attempt(decider: Decider, due: Due, nowMs: number, journey: Journey): Due[] {
  const waitMs = waitOf(decider.decide(tokenRequest(due.caller.amount, due.caller.hash), nowMs));
  if (waitMs === undefined) {
    journey.passedMs = nowMs;
    return [];
  }
  journey.refusals += 1;
  journey.announcedMs.push(nowMs + waitMs);
  return [{ ...due, atMs: nowMs + due.caller.returnsAfterMs(waitMs) }];
}
