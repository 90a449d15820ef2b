// The dumb twin of a line of held calls.

import type { HeldCall } from '../../../core/engine/hold-queue.ts';

type Join = {
  readonly held: HeldCall;
  readonly amount: number;
  readonly virtualTime: number;
  left: boolean;
};

/**
 * Start-time fair queueing as the paper has it, for one line: tags are worked out again from the whole history each
 * time, and the next call is found by looking at all of them.
 */
export class DumbFairQueue {
  readonly #joins: Join[] = [];
  #virtualTime = 0;

  join(held: HeldCall, amount: number): void {
    this.#joins.push({ held, amount, virtualTime: this.#virtualTime, left: false });
  }

  order(): HeldCall[] {
    return this.#waiting().map(({ join }) => join.held);
  }

  leave(held: HeldCall): void {
    const waiting = this.#waiting();
    const at = waiting.findIndex(({ join }) => join.held === held);
    const one = waiting[at];
    if (one === undefined) throw new Error('unknown call');
    one.join.left = true;
    if (at === 0) this.#virtualTime = one.start;
    // Nobody waits any more: the next one to come begins a new line.
    if (waiting.length === 1) {
      this.#joins.length = 0;
      this.#virtualTime = 0;
    }
  }

  /** Who waits, in order; among equal start tags the older one, for sorting is stable. */
  #waiting(): { readonly join: Join; readonly start: number }[] {
    const finish = new Map<string, number>();
    const tagged = this.#joins.map((join) => {
      const start = Math.max(join.virtualTime, finish.get(join.held.subject) ?? 0);
      finish.set(join.held.subject, start + join.amount);
      return { join, start };
    });
    return tagged.filter(({ join }) => !join.left).sort((a, b) => a.start - b.start);
  }
}
