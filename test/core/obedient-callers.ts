// Callers who do as they are told, in virtual time: each is refused, waits what was announced, and comes again.

import { type DecideRequest, Decider, type Decision, type FinalDecision } from '../../core/decide.ts';
import type { HeldCall } from '../../core/engine/hold-queue.ts';
import type { LimitRule, ToolRule } from '../../core/policy/plan.ts';
import { costOf, createCall } from './sample-rules.ts';

/** One caller. `returnsAfterMs` turns the announced wait into the time after which it really comes. */
export type Caller = {
  readonly amount: number;
  readonly hash: number;
  returnsAfterMs(waitMs: number): number;
};

/** What became of one caller. */
export type Journey = { refusals: number; passedMs: number; readonly announcedMs: number[] };

/** A decider with these rules and room for every key. */
export function createDecider(rules: readonly LimitRule[], tools: readonly ToolRule[] = []): Decider {
  const decider = new Decider({ maxBuckets: 10_000, maxKeysPerAgent: 10_000, maxChains: 1_000 });
  decider.apply({ revision: 1, rules, tools }, 0);
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

/** What was admitted; throws at any other decision. */
export function admittedOf(decision: Decision): Extract<Decision, { kind: 'admit' }> {
  if (decision.kind !== 'admit') throw new Error(`not admitted but ${decision.kind}`);
  return decision;
}

/** The announced wait; undefined when the call was admitted. */
export function waitOf(decision: Decision): number | undefined {
  if (decision.kind === 'refuse') return decision.refusal.waitMs;
  if (decision.kind === 'hold') throw new Error('nobody may be held here');
  return undefined;
}

/** All callers come at 0 together; whoever is refused comes again when it was told, until all have passed. */
export function sendTogether(decider: Decider, callers: readonly Caller[]): Journey[] {
  const crowd = new Crowd(decider, callers);
  while (crowd.next());
  return crowd.journeys;
}

type Due = { readonly at: number; readonly atMs: number };

/** Callers on their way, in virtual time. */
class Crowd {
  readonly journeys: Journey[];
  readonly #decider: Decider;
  readonly #callers: readonly Caller[];
  readonly #held = new Map<HeldCall, number>();
  #due: Due[];

  constructor(decider: Decider, callers: readonly Caller[]) {
    this.#decider = decider;
    this.#callers = callers;
    this.#due = callers.map((_, at) => ({ at, atMs: 0 }));
    this.journeys = callers.map(() => ({ refusals: 0, passedMs: 0, announcedMs: [] }));
  }

  /** Goes on to the next moment at which something happens; false when all have passed. */
  next(): boolean {
    const nowMs = Math.min(this.#decider.nextWakeMs(), ...this.#due.map(({ atMs }) => atMs));
    if (nowMs === Number.POSITIVE_INFINITY) return false;
    if (nowMs > 1e14) throw new Error('somebody never passes');
    this.#step(Math.max(nowMs, 0));
    return true;
  }

  #step(nowMs: number): void {
    for (const { held, decision } of this.#decider.wake(nowMs)) {
      const at = this.#held.get(held);
      if (at === undefined) throw new Error('nobody waits for this decision');
      this.#held.delete(held);
      this.#decided(at, decision, nowMs);
    }
    const coming = this.#due.filter(({ atMs }) => atMs <= nowMs);
    this.#due = this.#due.filter(({ atMs }) => atMs > nowMs);
    for (const { at } of coming) {
      const { amount, hash } = this.#callers[at] as Caller;
      const maxHoldMs = 60_000;
      const decision = this.#decider.decide(tokenRequest(amount, hash, { maxHoldMs }), nowMs);
      if (decision.kind === 'hold') this.#held.set(decision.held, at);
      else this.#decided(at, decision, nowMs);
    }
  }

  #decided(at: number, decision: FinalDecision, nowMs: number): void {
    const journey = this.journeys[at] as Journey;
    if (decision.kind === 'admit') {
      journey.passedMs = nowMs;
      return;
    }
    const { waitMs } = decision.refusal;
    journey.refusals += 1;
    journey.announcedMs.push(nowMs + waitMs);
    this.#due.push({ at, atMs: nowMs + (this.#callers[at] as Caller).returnsAfterMs(waitMs) });
  }
}
