// The decider with a clock: it wakes held calls when their time has come and settles what was forgotten.

import {
  type DecideRequest,
  Decider,
  type DeciderBounds,
  type FinalDecision,
  type Standing,
  type Warning,
} from '../core/decide.ts';
import type { Chain } from '../core/engine/chain.ts';
import type { ReservationId } from '../core/engine/engine.ts';
import type { HeldCall } from '../core/engine/hold-queue.ts';
import { type LimitRule, type PolicySet, policyOf } from '../core/policy/plan.ts';
import { policyLabel } from '../core/refusal.ts';
import type { CostVector } from '../core/unit.ts';
import type { Clock } from '../runtime/clock.ts';

/** A call that waits for its decision. */
export type Hold = {
  /** The caller is gone: nothing is decided any more. False if it was decided already. */
  giveUp(): boolean;
};

/** How often overdue reservations are settled and full buckets forgotten. */
const SWEEP_INTERVAL_MS = 5_000;

/** All limits of this process. */
export class Governor {
  readonly #clock: Clock;
  readonly #decider: Decider;
  readonly #held = new Map<HeldCall, (decision: FinalDecision, heldMs: number) => void>();
  readonly #sweeper: NodeJS.Timeout;
  #waker: NodeJS.Timeout | undefined;

  constructor(bounds: DeciderBounds, clock: Clock) {
    this.#clock = clock;
    this.#decider = new Decider(bounds);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /** Revision in force; 0 before the first policies. */
  get revision(): number {
    return this.#decider.policySet?.revision ?? 0;
  }

  /** The rules in force; none before the first policies. */
  get rules(): readonly LimitRule[] {
    return this.#decider.policySet?.rules ?? [];
  }

  /** The policies in force, each once, with the revision since when. */
  get policies(): ReadonlyMap<string, number> {
    const set = this.#decider.policySet;
    const rules = [...(set?.rules ?? []), ...(set?.tools ?? [])];
    return new Map(rules.map((rule) => [policyLabel(policyOf(rule)), rule.revision]));
  }

  /** Counts for metrics. */
  get counts(): Decider['counts'] {
    return this.#decider.counts;
  }

  /** Puts a policy set into force at once, for held calls too. */
  apply(policySet: PolicySet): void {
    this.#decider.apply(policySet, this.#clock.nowMs());
    this.#wake();
  }

  /** Decides now, or returns the hold and calls `decided` once, later. */
  decide(
    request: DecideRequest,
    decided: (decision: FinalDecision, heldMs: number) => void,
  ): FinalDecision | Hold {
    const decision = this.#decider.decide(request, this.#clock.nowMs());
    if (decision.kind !== 'hold') return decision;
    const { held } = decision;
    this.#held.set(held, decided);
    this.#schedule();
    return {
      giveUp: () => {
        this.#held.delete(held);
        const wasWaiting = this.#decider.giveUp(held);
        if (this.#held.size > 0) this.#wake();
        return wasWaiting;
      },
    };
  }

  /** Ends a reservation with what was used; undefined = as reserved. False if it had ended. */
  settle(reservation: ReservationId, actual: CostVector | undefined): boolean {
    const settled = this.#decider.settle(reservation, actual, this.#clock.nowMs());
    if (this.#held.size > 0) this.#wake();
    return settled;
  }

  /** What an open call has used so far, by unit. */
  topUp(reservation: ReservationId, usedSoFar: CostVector): void {
    this.#decider.topUp(reservation, usedSoFar, this.#clock.nowMs());
  }

  /** How the limits of an admitted call stand now. */
  standings(chain: Chain): Standing[] {
    return this.#decider.standings(chain, this.#clock.nowMs());
  }

  /** The limit of an admitted call with the least room. */
  tightest(chain: Chain): ReturnType<Decider['tightest']> {
    return this.#decider.tightest(chain, this.#clock.nowMs());
  }

  /** The limits of an admitted call that have newly reached a band of their `warnAt`. */
  warnings(chain: Chain): Warning[] {
    return this.#decider.warnings(chain, this.#clock.nowMs());
  }

  /** How every bucket of a rule stands. Charges nothing. */
  standingsByKey(rule: LimitRule): ReturnType<Decider['standingsByKey']> {
    return this.#decider.standingsByKey(rule, this.#clock.nowMs());
  }

  /** Stops the timers. Held calls must have been given up. */
  close(): void {
    clearInterval(this.#sweeper);
    clearTimeout(this.#waker);
  }

  #sweep(): void {
    this.#decider.sweep(this.#clock.nowMs());
    if (this.#held.size > 0) this.#wake();
  }

  #wake(): void {
    const nowMs = this.#clock.nowMs();
    for (const { held, decision } of this.#decider.wake(nowMs)) {
      const decided = this.#held.get(held);
      this.#held.delete(held);
      if (decided === undefined) throw new Error('a held call was decided that nobody waits for');
      decided(decision, nowMs - held.joinedAtMs);
    }
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#waker);
    const wakeMs = this.#decider.nextWakeMs();
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    this.#waker = setTimeout(() => this.#wake(), Math.max(1, wakeMs - this.#clock.nowMs()));
  }
}
