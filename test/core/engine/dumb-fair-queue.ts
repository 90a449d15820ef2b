// The dumb twin of a line of held calls.

import type { HeldCall } from '../../../core/engine/hold-queue.ts';

/**
 * Start-time fair queueing as the paper has it, for one line: tags are worked out again from the whole history each
 * time, and the next call is found by looking at all of them.
 */
export class DumbFairQueue {
  readonly #joins: { held: HeldCall; amount: number; virtualTime: number; left: boolean }[] = [];
  #virtualTime = 0;

  join(held: HeldCall, amount: number): void {
    this.#joins.push({ held, amount, virtualTime: this.#virtualTime, left: false });
  }

  order(): HeldCall[] {
    const finish = new Map<string, number>();
    const tagged = this.#joins.map((join, order) => {
      const start = Math.max(join.virtualTime, finish.get(join.held.subject) ?? 0);
      finish.set(join.held.subject, start + join.amount);
      return { ...join, start, order };
    });
    return tagged
      .filter(({ left }) => !left)
      .sort((a, b) => a.start - b.start || a.order - b.order)
      .map(({ held }) => held);
  }

  leave(held: HeldCall): void {
    const isHead = this.order()[0] === held;
    const start = this.#startOf(held);
    const join = this.#joins.find((one) => one.held === held);
    if (join === undefined) throw new Error('unknown call');
    join.left = true;
    if (isHead) this.#virtualTime = start;
    // Nobody waits: the next one to come begins a new line.
    if (this.order().length === 0) {
      this.#joins.length = 0;
      this.#virtualTime = 0;
    }
  }

  #startOf(held: HeldCall): number {
    const finish = new Map<string, number>();
    for (const join of this.#joins) {
      const start = Math.max(join.virtualTime, finish.get(join.held.subject) ?? 0);
      if (join.held === held) return start;
      finish.set(join.held.subject, start + join.amount);
    }
    throw new Error('unknown call');
  }
}
