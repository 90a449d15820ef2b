// What becomes of a call that does not fit now: it is held for a moment where that is allowed and short enough, and
// refused with a place in line otherwise.

import type { Call } from '../call.ts';
import type { CallCost } from '../cost.ts';
import type { DecideRequest } from '../decide-request.ts';
import type { BucketTable, Slot } from './bucket-table.ts';
import type { Chain } from './chain.ts';
import type { Demand } from './engine.ts';
import { type HeldCall, HoldQueue, MAX_HELD } from './hold-queue.ts';
import { ServiceTime } from './service-time.ts';
import { WaitLine } from './wait-line.ts';

/** Held, or told to come back after `waitMs`; `shortages` has the binding one first. */
export type Waiting =
  | { readonly kind: 'hold'; readonly held: HeldCall }
  | { readonly kind: 'come-back'; readonly shortages: readonly Demand[]; readonly waitMs: number };

/** What a new attempt at a held call said: short of these, or anything that needs no more waiting. */
export type Attempt<Final> =
  | { readonly kind: 'short'; readonly shortages: readonly Demand[] }
  | { readonly kind: 'final'; readonly final: Final };

/** The same for a held call, which may meanwhile be short of a bucket whose limit does not hold: it is refused then. */
export type HeldAttempt<Final> = Attempt<Final> | { readonly kind: 'unholdable' };

/** A call that was held, and what became of it. */
export type Woken<Final> = { readonly held: HeldCall; readonly decision: Final };

/** Subjects are compared by session, and by user where the session is the pod's. */
function subjectOf(call: Call): string {
  return `${call.agent}\n${call.user}\n${call.session}`;
}

/** Held calls and promised waits of all buckets. */
export class WaitingRoom {
  readonly #buckets: BucketTable;
  readonly #waits = new WaitLine();
  readonly #holds = new HoldQueue();
  readonly #serviceTime = new ServiceTime();

  constructor(buckets: BucketTable) {
    this.#buckets = buckets;
  }

  /** Calls held now. */
  get held(): number {
    return this.#holds.size;
  }

  /** A bucket that calls are held on must stay. */
  isPinned(slot: Slot): boolean {
    return this.#holds.hasLine(slot);
  }

  /** The bucket was given back. */
  forget(slot: Slot): void {
    this.#waits.forget(slot);
    this.#serviceTime.forget(slot);
  }

  /** The bucket has other numbers: callers who were promised a place by the old ones come as newcomers. */
  reshaped(slot: Slot): void {
    this.#waits.forget(slot);
  }

  /** Must a newcomer wait although it may fit? Yes where calls are held on a bucket that it costs anything. */
  isAheadOf(chain: Chain, cost: CallCost): boolean {
    if (this.#holds.size === 0) return false;
    return chain.slots.some(
      (slot, at) =>
        this.#holds.hasLine(slot) &&
        !chain.rules[at]?.shadow &&
        (cost[chain.chargeAt[at] as number] as number) > 0,
    );
  }

  /**
   * Holds the call or gives it a place in the line of every bucket that it must wait for. `demands` is what it asks of
   * all of its buckets; at least one of them must be short or have calls held on it.
   */
  wait(request: DecideRequest, chain: Chain, demands: readonly Demand[], nowMs: number): Waiting {
    const waiting = demands.filter(({ slot, missing }) => missing > 0 || this.#holds.hasLine(slot));
    let binding: Demand | undefined;
    let waitMs = 0;
    let maxHoldMs = request.maxHoldMs;
    for (const demand of waiting) {
      maxHoldMs = Math.min(maxHoldMs, chain.rules[demand.at]?.maxWaitMs ?? 0);
      const waitHereMs = this.#waitMs(demand);
      if (binding === undefined || waitHereMs > waitMs) [binding, waitMs] = [demand, waitHereMs];
    }
    if (binding === undefined) throw new Error('a call that fits everywhere was told to wait');
    if (maxHoldMs > 0 && waitMs <= maxHoldMs && this.#holds.length(binding.slot) < MAX_HELD) {
      return { kind: 'hold', held: this.#hold(request, binding, { maxHoldMs, nowMs }) };
    }
    return this.#promise(request.callerHash(), waiting, nowMs);
  }

  /** The wait of a newcomer with this demand, behind those who are held and without a place in line. */
  leastWaitMs(demand: Demand): number {
    return Math.max(1, this.#waitMs(demand));
  }

  /** A call was admitted: a promise that it came for is kept. */
  admitted(chain: Chain, request: Pick<DecideRequest, 'callerHash'>): void {
    if (this.#waits.size === 0) return;
    for (const slot of chain.slots) if (this.#waits.has(slot)) this.#waits.keep(slot, request.callerHash());
  }

  /** A call that was admitted under this chain has ended: whoever waits for its buckets is tried at the next wake. */
  ended(chain: Chain, tookMs: number, nowMs: number): void {
    for (const slot of chain.gauges) this.#serviceTime.learn(slot, tookMs);
    if (this.#holds.size > 0) for (const slot of chain.slots) this.#holds.tryAt(slot, nowMs);
  }

  /** Everything changed: every line is tried at the next wake. */
  tryAll(nowMs: number): void {
    for (const slot of this.#holds.slots()) this.#holds.tryAt(slot, nowMs);
  }

  /**
   * Tries the heads of all lines whose time has come, as long as they fit, and then every call whose deadline has come.
   * `attempt` decides one held call, `lastWord` one that may not wait any longer.
   */
  wake<Final>(
    attempt: (held: HeldCall) => HeldAttempt<Final>,
    lastWord: (held: HeldCall) => Final,
    nowMs: number,
  ): Woken<Final>[] {
    const woken: Woken<Final>[] = [];
    const dismiss = (held: HeldCall): void => {
      this.#holds.leave(held);
      woken.push({ held, decision: lastWord(held) });
    };
    for (;;) {
      for (const slot of this.#holds.dueSlots(nowMs)) {
        for (const held of this.#serve(slot, attempt, woken, nowMs)) dismiss(held);
      }
      // Whoever stood behind a call that leaves now may fit.
      const expired = this.#holds.expired(nowMs);
      if (expired.length === 0) return woken;
      for (const held of expired) dismiss(held);
    }
  }

  /** When `wake` has something to do at the latest; Infinity when nothing is held. */
  nextWakeMs(): number {
    return this.#holds.nextWakeMs();
  }

  /** A held call is no longer wanted. False if it was decided already. */
  giveUp(held: HeldCall): boolean {
    return this.#holds.leave(held);
  }

  /** Forgets promises that have expired. */
  sweep(nowMs: number): void {
    this.#waits.sweep(nowMs);
  }

  /** Serves the head of a line as long as it fits. Returns the calls that may not be held any more, out of the line. */
  #serve<Final>(
    slot: Slot,
    attempt: (held: HeldCall) => HeldAttempt<Final>,
    woken: Woken<Final>[],
    nowMs: number,
  ): HeldCall[] {
    const unholdable: HeldCall[] = [];
    for (let held = this.#holds.head(slot); held !== undefined; held = this.#holds.head(slot)) {
      const tried = attempt(held);
      if (tried.kind === 'short') {
        if (this.#keepWaiting(slot, held, tried.shortages, nowMs)) break;
        continue;
      }
      this.#holds.leave(held);
      if (tried.kind === 'final') woken.push({ held, decision: tried.final });
      else unholdable.push(held);
    }
    return unholdable;
  }

  #hold(request: DecideRequest, binding: Demand, times: { maxHoldMs: number; nowMs: number }): HeldCall {
    const held: HeldCall = {
      call: request.call,
      cost: request.cost,
      metering: request.metering,
      subject: subjectOf(request.call),
      callerHash: request.callerHash(),
      joinedAtMs: times.nowMs,
      deadlineMs: times.nowMs + times.maxHoldMs,
    };
    this.#holds.join(binding.slot, held, binding.amount);
    this.#tryHeadAt(held, binding, times.nowMs);
    return held;
  }

  /** True when the head of this line is still its head; false when it went to the line of another bucket. */
  #keepWaiting(slot: Slot, held: HeldCall, shortages: readonly Demand[], nowMs: number): boolean {
    const binding = shortages.reduce((a, b) => (b.waitMs > a.waitMs ? b : a));
    if (binding.slot !== slot) this.#holds.move(binding.slot, held, binding.amount);
    this.#tryHeadAt(held, binding, nowMs);
    return binding.slot === slot;
  }

  /** If the call is the head of the line: a gauge changes only when a call ends, a token bucket at a known time. */
  #tryHeadAt(held: HeldCall, { slot, waitMs }: Demand, nowMs: number): void {
    if (this.#holds.head(slot) === held) this.#holds.tryAt(slot, nowMs + waitMs);
  }

  #promise(callerHash: number, waiting: readonly Demand[], nowMs: number): Waiting {
    const dues = waiting.map((demand) => ({ demand, dueMs: this.#dueMs(callerHash, demand, nowMs) }));
    dues.sort((a, b) => b.dueMs - a.dueMs);
    return {
      kind: 'come-back',
      shortages: dues.map(({ demand }) => demand),
      waitMs: Math.max(1, (dues[0]?.dueMs ?? nowMs) - nowMs),
    };
  }

  #dueMs(callerHash: number, demand: Demand, nowMs: number): number {
    const { slot, amount } = demand;
    const earliestMs = nowMs + this.#waitMs(demand);
    if (this.#buckets.isGauge(slot)) {
      const msPerUnit = this.#placeMs(slot);
      const emptyAtMs = earliestMs - msPerUnit;
      const times = {
        leastMs: nowMs,
        earliestMs,
        emptyAtMs,
        msPerUnit,
        capacityMs: Number.POSITIVE_INFINITY,
      };
      return this.#waits.promise(slot, { callerHash, amount, ...times }, nowMs);
    }
    const capacity = this.#buckets.capacityOf(slot);
    const heldMs = this.#buckets.earningMs(slot, this.#holds.heldAmount(slot));
    const wanted = {
      callerHash,
      amount,
      leastMs: nowMs + demand.waitMs,
      earliestMs,
      emptyAtMs: this.#buckets.emptyAtMs(slot, nowMs) + heldMs,
      msPerUnit: this.#buckets.earningMs(slot, 1),
      capacityMs: this.#buckets.earningMs(slot, capacity),
    };
    return this.#waits.promise(slot, wanted, nowMs);
  }

  /** When a newcomer could be served behind those who are held, if nobody else came. */
  #waitMs({ slot, waitMs }: Demand): number {
    if (this.#buckets.isGauge(slot)) {
      return Math.ceil(this.#placeMs(slot) * (this.#holds.length(slot) + 1));
    }
    return waitMs + Math.ceil(this.#buckets.earningMs(slot, this.#holds.heldAmount(slot)));
  }

  /** How far apart calls under a gauge end when all of it is in use. */
  #placeMs(slot: Slot): number {
    return this.#serviceTime.ofMs(slot) / Math.max(1, this.#buckets.capacityOf(slot));
  }
}
