// Calls that wait a moment inside the sidecar instead of being refused, in fair order: start-time fair queueing
// (Goyal, Vin, Cheng 1996) over subjects, one line per bucket that is short.

import type { Call } from '../call.ts';
import type { CallCost, Metering } from '../cost.ts';
import type { Slot } from './bucket-table.ts';

/** Calls held per bucket. */
export const MAX_HELD = 1_024;

/** Subjects remembered per line; beyond it the one that joined longest ago counts as new. */
export const MAX_SUBJECTS = 4 * MAX_HELD;

/** One call that is held. Identity is the object itself. */
export type HeldCall = {
  readonly call: Call;
  readonly cost: CallCost;
  readonly metering: Metering;
  /** Who shares the line fairly with whom. */
  readonly subject: string;
  readonly callerHash: number;
  readonly joinedAtMs: number;
  /** When it must be decided at the latest. */
  readonly deadlineMs: number;
};

type Entry = {
  readonly held: HeldCall;
  readonly amount: number;
  readonly startTag: number;
  readonly order: number;
};

type Line = {
  /** Ascending by start tag, then by arrival. */
  readonly entries: Entry[];
  /** Finish tag of each subject's last call in this line, in order of joining. */
  readonly finishTags: Map<string, number>;
  /** Start tag of the call that left from the head last: a subject that returns is lifted to it and cannot claim the past. */
  virtualTime: number;
  heldAmount: number;
  nextTryMs: number;
};

type Place = { readonly slot: Slot; readonly order: number };

/** Tried at the next opportunity. */
const AT_ONCE = Number.NEGATIVE_INFINITY;

/** Lines of held calls by the bucket they wait for. */
export class HoldQueue {
  readonly #lines = new Map<Slot, Line>();
  readonly #placeOf = new Map<HeldCall, Place>();
  #arrivals = 0;
  /** No deadline ends before this. Calls that left may have had the one that it names. */
  #soonestDeadlineMs = Number.POSITIVE_INFINITY;

  /** Calls held now. */
  get size(): number {
    return this.#placeOf.size;
  }

  /** The buckets that calls wait for. */
  slots(): Slot[] {
    return [...this.#lines.keys()];
  }

  /** Is anybody waiting for this bucket? Then a newcomer waits behind them, even if its own cost would fit. */
  hasLine(slot: Slot): boolean {
    return this.#lines.has(slot);
  }

  /** Calls waiting for this bucket. */
  length(slot: Slot): number {
    return this.#lines.get(slot)?.entries.length ?? 0;
  }

  /** Units that the calls waiting for this bucket will take together. */
  heldAmount(slot: Slot): number {
    return this.#lines.get(slot)?.heldAmount ?? 0;
  }

  /** Subjects remembered in the line of this bucket. */
  subjects(slot: Slot): number {
    return this.#lines.get(slot)?.finishTags.size ?? 0;
  }

  /** Adds a call to the line of a bucket. A line whose head changes is tried at once. */
  join(slot: Slot, held: HeldCall, amount: number): void {
    this.#insert(slot, held, { amount, order: this.#arrivals++ });
    this.#soonestDeadlineMs = Math.min(this.#soonestDeadlineMs, held.deadlineMs);
  }

  /** A held call now waits for another bucket. Among calls with the same start tag it keeps its age. */
  move(slot: Slot, held: HeldCall, amount: number): void {
    const order = this.#placeOf.get(held)?.order;
    if (order === undefined) throw new Error('a call that is not held cannot move');
    this.leave(held);
    this.#insert(slot, held, { amount, order });
  }

  /** The call whose turn it is. */
  head(slot: Slot): HeldCall | undefined {
    return this.#lines.get(slot)?.entries[0]?.held;
  }

  /** Removes a call: it was served, gave up, or its time is over. False if it is not held. */
  leave(held: HeldCall): boolean {
    const slot = this.#placeOf.get(held)?.slot;
    const line = slot === undefined ? undefined : this.#lines.get(slot);
    if (slot === undefined || line === undefined) return false;
    const at = line.entries.findIndex((entry) => entry.held === held);
    const entry = line.entries[at];
    if (entry === undefined) throw new Error('a held call is missing from its line');
    line.entries.splice(at, 1);
    line.heldAmount -= entry.amount;
    if (at === 0) {
      line.virtualTime = entry.startTag;
      line.nextTryMs = AT_ONCE;
    }
    this.#placeOf.delete(held);
    if (line.entries.length === 0) this.#lines.delete(slot);
    return true;
  }

  /** When the head of this line should be tried again; Infinity = only when the bucket changes. */
  tryAt(slot: Slot, atMs: number): void {
    const line = this.#lines.get(slot);
    if (line !== undefined) line.nextTryMs = atMs;
  }

  /** The buckets whose heads should be tried now. */
  dueSlots(nowMs: number): Slot[] {
    return [...this.#lines].flatMap(([slot, { nextTryMs }]) => (nextTryMs <= nowMs ? [slot] : []));
  }

  /**
   * No head has to be tried and no deadline ends before this time; Infinity when nothing is held. It may be too early,
   * when the call whose deadline it is has left.
   */
  nextWakeMs(): number {
    if (this.size === 0) return Number.POSITIVE_INFINITY;
    let earliestMs = this.#soonestDeadlineMs;
    for (const line of this.#lines.values()) earliestMs = Math.min(earliestMs, line.nextTryMs);
    return earliestMs;
  }

  /** Calls whose deadline has come. */
  expired(nowMs: number): HeldCall[] {
    if (nowMs < this.#soonestDeadlineMs) return [];
    const expired: HeldCall[] = [];
    this.#soonestDeadlineMs = Number.POSITIVE_INFINITY;
    for (const held of this.#placeOf.keys()) {
      if (held.deadlineMs <= nowMs) expired.push(held);
      else this.#soonestDeadlineMs = Math.min(this.#soonestDeadlineMs, held.deadlineMs);
    }
    return expired;
  }

  #insert(slot: Slot, held: HeldCall, { amount, order }: { amount: number; order: number }): void {
    const line = this.#lines.get(slot) ?? createLine();
    this.#lines.set(slot, line);
    const startTag = Math.max(line.virtualTime, line.finishTags.get(held.subject) ?? 0);
    remember(line.finishTags, held.subject, startTag + amount);
    insert(line.entries, { held, amount, startTag, order });
    line.heldAmount += amount;
    if (line.entries[0]?.held === held) line.nextTryMs = AT_ONCE;
    this.#placeOf.set(held, { slot, order });
  }
}

function createLine(): Line {
  return { entries: [], finishTags: new Map(), virtualTime: 0, heldAmount: 0, nextTryMs: AT_ONCE };
}

function remember(finishTags: Map<string, number>, subject: string, finishTag: number): void {
  finishTags.delete(subject);
  finishTags.set(subject, finishTag);
  if (finishTags.size <= MAX_SUBJECTS) return;
  for (const oldest of finishTags.keys()) {
    finishTags.delete(oldest);
    return;
  }
}

function insert(entries: Entry[], entry: Entry): void {
  let at = entries.length;
  while (at > 0 && isBefore(entry, entries[at - 1])) at--;
  entries.splice(at, 0, entry);
}

function isBefore(a: Entry, b: Entry | undefined): boolean {
  return b !== undefined && (a.startTag < b.startTag || (a.startTag === b.startTag && a.order < b.order));
}
