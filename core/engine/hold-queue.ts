// Calls that wait a moment inside the sidecar instead of being refused, in fair order: start-time fair queueing
// (Goyal, Vin, Cheng 1996) over subjects, one line per bucket that is short.

import type { Call } from '../call.ts';
import type { CallCost } from '../cost.ts';
import type { Slot } from './bucket-table.ts';

/** Calls held per bucket. */
export const MAX_HELD = 1_024;

/** One call that is held. Identity is the object itself. */
export type HeldCall = {
  readonly call: Call;
  readonly cost: CallCost;
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
  /** Finish tag of each subject's last call in this line. */
  readonly finishTags: Map<string, number>;
  /** Start tag of the call served last: a subject that returns is lifted to it and cannot claim the past. */
  virtualTime: number;
  heldAmount: number;
  nextTryMs: number;
};

/** Lines of held calls by the bucket they wait for. */
export class HoldQueue {
  readonly #lines = new Map<Slot, Line>();
  readonly #slotOf = new Map<HeldCall, Slot>();
  #arrivals = 0;

  /** Calls held now. */
  get size(): number {
    return this.#slotOf.size;
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

  /** Adds a call to the line of a bucket. */
  join(slot: Slot, held: HeldCall, amount: number): void {
    const line = this.#lines.get(slot) ?? createLine();
    this.#lines.set(slot, line);
    const startTag = Math.max(line.virtualTime, line.finishTags.get(held.subject) ?? 0);
    line.finishTags.set(held.subject, startTag + amount);
    insert(line.entries, { held, amount, startTag, order: this.#arrivals++ });
    line.heldAmount += amount;
    this.#slotOf.set(held, slot);
  }

  /** The call whose turn it is. */
  head(slot: Slot): HeldCall | undefined {
    return this.#lines.get(slot)?.entries[0]?.held;
  }

  /** Removes a call: it was served, gave up, or its time is over. False if it is not held. */
  leave(held: HeldCall): boolean {
    const slot = this.#slotOf.get(held);
    const line = slot === undefined ? undefined : this.#lines.get(slot);
    if (slot === undefined || line === undefined) return false;
    const at = line.entries.findIndex((entry) => entry.held === held);
    const entry = line.entries[at];
    if (entry === undefined) throw new Error('a held call is missing from its line');
    line.entries.splice(at, 1);
    line.heldAmount -= entry.amount;
    line.virtualTime = Math.max(line.virtualTime, at === 0 ? entry.startTag : 0);
    this.#slotOf.delete(held);
    if (line.entries.length === 0) this.#lines.delete(slot);
    return true;
  }

  /** When the head of this line should be tried again; Infinity = only when the bucket changes. */
  tryAt(slot: Slot, atMs: number): void {
    const line = this.#lines.get(slot);
    if (line !== undefined) line.nextTryMs = atMs;
  }

  /** Is it time to try the head of this line? */
  isDue(slot: Slot, nowMs: number): boolean {
    return (this.#lines.get(slot)?.nextTryMs ?? Number.POSITIVE_INFINITY) <= nowMs;
  }

  /** The earliest time at which a head should be tried or a deadline ends; Infinity when nothing is held. */
  nextWakeMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const line of this.#lines.values()) earliestMs = Math.min(earliestMs, line.nextTryMs);
    for (const held of this.#slotOf.keys()) earliestMs = Math.min(earliestMs, held.deadlineMs);
    return earliestMs;
  }

  /** Calls whose deadline has come. */
  expired(nowMs: number): HeldCall[] {
    return [...this.#slotOf.keys()].filter((held) => held.deadlineMs <= nowMs);
  }

  /** Every held call, for whoever must decide them all at once. */
  all(): HeldCall[] {
    return [...this.#slotOf.keys()];
  }
}

function createLine(): Line {
  return { entries: [], finishTags: new Map(), virtualTime: 0, heldAmount: 0, nextTryMs: 0 };
}

function insert(entries: Entry[], entry: Entry): void {
  let at = entries.length;
  while (at > 0 && isBefore(entry, entries[at - 1])) at--;
  entries.splice(at, 0, entry);
}

function isBefore(a: Entry, b: Entry | undefined): boolean {
  return b !== undefined && (a.startTag < b.startTag || (a.startTag === b.startTag && a.order < b.order));
}
