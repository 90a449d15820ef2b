// An engine and its dumb twin: one dumb bucket for each rule, decisions worked out from the whole past.

import type { CallCost } from '../../../core/cost.ts';
import { BucketTable } from '../../../core/engine/bucket-table.ts';
import type { Chain } from '../../../core/engine/chain.ts';
import { Engine, NOT_RESERVED, type ReservationId } from '../../../core/engine/engine.ts';
import type { LimitRule } from '../../../core/policy/plan.ts';
import { amounts, costOf, createChain } from '../sample-rules.ts';
import { DumbBucket, type DumbCall } from './dumb-bucket.ts';

/** One admitted call, as the test keeps it. `charges` has undefined where a Shadow rule did not charge. */
export type Admitted = {
  readonly id: ReservationId;
  readonly atMs: number;
  readonly rules: readonly number[];
  readonly reserved: number;
  readonly charges: readonly (DumbCall | undefined)[];
};

/** Rules that all count TotalTokens, so that one amount is what a call asks of each. */
export class EngineWorld {
  readonly table = new BucketTable();
  readonly engine = new Engine(this.table);
  readonly rules: readonly LimitRule[];
  readonly slots: readonly number[];
  readonly twins: readonly DumbBucket[];
  readonly open: Admitted[] = [];
  nowMs = 0;

  constructor(rules: readonly LimitRule[]) {
    this.rules = rules;
    this.slots = rules.map(({ shape }) => this.table.allocate(shape, shape.capacity, 0));
    this.twins = rules.map(({ shape }) => new DumbBucket(shape, shape.capacity, 0));
  }

  /** What each bucket holds now. */
  levels(): number[] {
    return this.slots.map((slot) => {
      this.table.refill(slot, this.nowMs);
      return this.table.levelOf(slot);
    });
  }

  /** What each bucket should hold now. */
  trueLevels(): number[] {
    return this.twins.map((twin) => twin.level(this.nowMs));
  }

  /** What a call with this cost asks of a rule: a guess is clamped to the bucket. */
  asked(at: number, amount: number): number {
    return Math.min(amount, this.rules[at]?.shape.capacity ?? 0);
  }

  /** Would the twins admit it? */
  fits(rules: readonly number[], amount: number): boolean {
    return rules.every((at) => this.rules[at]?.shadow || this.#fitsAt(at, amount));
  }

  /** Asks the engine for a call over these rules; what is admitted is charged in the twins too. */
  reserve(rules: readonly number[], amount: number): Admitted | undefined {
    const chain = createChain(
      rules.flatMap((at) => this.rules[at] ?? []),
      rules.map((at) => this.slots[at] ?? 0),
    );
    const id = this.#reserve(chain, costOf({ TotalTokens: amount }, {}));
    if (id === NOT_RESERVED) return undefined;
    const admitted: Admitted = {
      id,
      atMs: this.nowMs,
      rules,
      reserved: amount,
      charges: rules.map((at) =>
        this.#fitsAt(at, amount) ? this.twins[at]?.charge(this.asked(at, amount), this.nowMs) : undefined,
      ),
    };
    this.open.push(admitted);
    return admitted;
  }

  /** As the decider does it: at once where that is possible. */
  #reserve(chain: Chain, cost: CallCost): ReservationId {
    const atOnce = this.engine.tryReserve(chain, cost, this.nowMs);
    if (atOnce !== NOT_RESERVED) return atOnce;
    const result = this.engine.reserve(chain, cost, this.nowMs);
    return result.kind === 'admitted' ? result.reservation : NOT_RESERVED;
  }

  /** Settles one of the open calls; undefined = as reserved. */
  settle(which: number, used: number | undefined): Admitted | undefined {
    const [one] = this.open.splice(which % Math.max(1, this.open.length), 1);
    if (one === undefined) return undefined;
    const actual = used === undefined ? undefined : amounts({ TotalTokens: used });
    if (!this.engine.settle(one.id, actual, this.nowMs)) throw new Error('an open call did not settle');
    one.charges.forEach((charge, i) => {
      if (charge === undefined || used === undefined) return;
      this.twins[one.rules[i] ?? 0]?.settle(charge, used, this.nowMs);
    });
    return one;
  }

  /** One of the open calls has used this much so far. */
  topUp(which: number, used: number): void {
    const one = this.open[which % Math.max(1, this.open.length)];
    if (one === undefined) return;
    if (!this.engine.topUp(one.id, amounts({ TotalTokens: used }), this.nowMs)) {
      throw new Error('an open call was not topped up');
    }
    one.charges.forEach((charge, i) => {
      if (charge !== undefined) this.twins[one.rules[i] ?? 0]?.topUp(charge, used, this.nowMs);
    });
  }

  #fitsAt(at: number, amount: number): boolean {
    const asked = this.asked(at, amount);
    return asked === 0 || (this.twins[at]?.level(this.nowMs) ?? 0) >= asked;
  }
}
