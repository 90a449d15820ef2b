// Which bucket a key has. Memory is bounded, and the bound can never be used to reset or to loosen a limit:
// only a full bucket that nothing can change any more is forgotten, and a key that found no room shares an overflow
// bucket, from which later buckets inherit the level.

import type { Call } from '../call.ts';
import type { LimitRule } from '../policy/plan.ts';
import type { BucketShape, BucketTable, Slot } from './bucket-table.ts';

/** Bounds of the key table. */
export type KeyBounds = {
  /** Buckets of all limits together, the overflow buckets not counted. */
  readonly maxBuckets: number;
  /** Distinct keys that one agent may have in one limit; the rest share the agent's overflow bucket. */
  readonly maxKeysPerAgent: number;
};

/** Who else holds on to slots, so that forgetting a bucket does not pull it from under them. */
export type SlotUse = {
  /** A slot that must stay although its bucket is full: calls are held on it. */
  isPinned(slot: Slot): boolean;
  /** The slot was given back and may soon belong to another key. */
  forget(slot: Slot): void;
  /** The bucket in this slot has other numbers now. */
  reshaped(slot: Slot): void;
};

/** Keys are swept for room at most this often, so that a flood of new keys cannot buy a full scan each. */
const SWEEP_INTERVAL_MS = 1_000;

/** A bucket and the key that it is for. */
export type KeyEntry = { readonly key: readonly string[]; readonly slot: Slot; readonly isOverflow: boolean };

/** Stands for the values of all keys that share an overflow bucket. */
export const OVERFLOW = '(overflow)';

/** Whose overflow bucket it is where `per` has no agent. */
const EVERYBODY = '';

type RuleKeys = {
  rule: LimitRule;
  /** False once no policy has the rule any more: its buckets stay until they are full, so that a rule that comes back resumes. */
  live: boolean;
  readonly slots: Map<string, { readonly slot: Slot; readonly agent: string }>;
  readonly keysOfAgent: Map<string, number>;
  /** Overflow buckets by agent; where `per` has no agent there is one for all, so that a key meets the same one always. */
  readonly overflow: Map<string, Slot>;
  /** For the keys of agents without room for an overflow bucket. */
  lastResort: Slot | undefined;
};

/** The buckets of every rule by key. */
export class KeyTable {
  /** Rises whenever slots were given back: whoever caches slots must resolve them anew. */
  generation = 0;
  readonly #buckets: BucketTable;
  readonly #bounds: KeyBounds;
  readonly #use: SlotUse;
  readonly #rules = new Map<string, RuleKeys>();
  #keys = 0;
  #lastSweepMs = Number.NEGATIVE_INFINITY;

  constructor(buckets: BucketTable, bounds: KeyBounds, use: SlotUse) {
    this.#buckets = buckets;
    this.#bounds = bounds;
    this.#use = use;
  }

  /** Keys that have a bucket of their own. */
  get size(): number {
    return this.#keys;
  }

  /** Overflow buckets in use. */
  get overflowSize(): number {
    let count = 0;
    for (const keys of this.#rules.values())
      count += keys.overflow.size + (keys.lastResort === undefined ? 0 : 1);
    return count;
  }

  /** Takes over a new set of rules. Buckets of rules with the same id keep what was used. */
  apply(rules: readonly LimitRule[], nowMs: number): void {
    for (const keys of this.#rules.values()) keys.live = false;
    for (const rule of rules) {
      const keys = this.#rules.get(rule.id);
      if (keys === undefined) this.#rules.set(rule.id, createRuleKeys(rule));
      else this.#renew(keys, rule, nowMs);
    }
    this.generation += 1;
  }

  /** The bucket of this call under this rule; makes one where there is none yet. */
  slotOf(rule: LimitRule, call: Call, nowMs: number): Slot {
    const keys = this.#rules.get(rule.id);
    if (keys === undefined) throw new Error(`rule ${rule.id} was never applied`);
    const key = rule.per.map((part) => call[part]).join('\n');
    const known = keys.slots.get(key);
    if (known !== undefined) return known.slot;
    if (this.#isFull(keys, call.agent)) this.sweep(nowMs);
    const sharer = rule.per.includes('agent') ? call.agent : EVERYBODY;
    if (this.#isFull(keys, call.agent)) return this.#overflow(keys, sharer, nowMs);
    const slot = this.#buckets.allocate(rule.shape, this.#inheritedLevel(keys, sharer, nowMs), nowMs);
    keys.slots.set(key, { slot, agent: call.agent });
    keys.keysOfAgent.set(call.agent, (keys.keysOfAgent.get(call.agent) ?? 0) + 1);
    this.#keys += 1;
    return slot;
  }

  /** Forgets every bucket that may be forgotten; does nothing within a second of the last time. */
  sweep(nowMs: number): void {
    if (nowMs - this.#lastSweepMs < SWEEP_INTERVAL_MS) return;
    this.#lastSweepMs = nowMs;
    const before = this.#buckets.size;
    for (const [id, keys] of this.#rules) {
      this.#sweepRule(keys, nowMs);
      const isEmpty = keys.slots.size === 0 && keys.overflow.size === 0 && keys.lastResort === undefined;
      if (!keys.live && isEmpty) this.#rules.delete(id);
    }
    if (this.#buckets.size < before) this.generation += 1;
  }

  /**
   * Every bucket of a rule with its key values, for a person to look at. An overflow bucket has the agent whose keys
   * share it, where `per` has one and it is not for all agents, and OVERFLOW for all other values.
   */
  *entriesOf(rule: LimitRule): Iterable<KeyEntry> {
    const keys = this.#rules.get(rule.id);
    if (keys === undefined) return;
    for (const [key, { slot }] of keys.slots) yield { key: key.split('\n'), slot, isOverflow: false };
    for (const [sharer, slot] of keys.overflow)
      yield { key: rule.per.map((part) => (part === 'agent' ? sharer : OVERFLOW)), slot, isOverflow: true };
    if (keys.lastResort !== undefined)
      yield { key: rule.per.map(() => OVERFLOW), slot: keys.lastResort, isOverflow: true };
  }

  #isFull(keys: RuleKeys, agent: string): boolean {
    return (
      this.#keys >= this.#bounds.maxBuckets ||
      (keys.keysOfAgent.get(agent) ?? 0) >= this.#bounds.maxKeysPerAgent
    );
  }

  /**
   * A key may have spent from an overflow bucket before it got its own. Its own therefore starts no fuller than the
   * overflow buckets it could have used.
   */
  #inheritedLevel(keys: RuleKeys, sharer: string, nowMs: number): number {
    let level = keys.rule.shape.capacity;
    for (const slot of [keys.overflow.get(sharer), keys.lastResort]) {
      if (slot === undefined) continue;
      this.#buckets.refill(slot, nowMs);
      level = Math.min(level, this.#buckets.levelOf(slot));
    }
    return level;
  }

  /** An overflow bucket that exists is always used, so that no key can go from a spent one to a fuller one. */
  #overflow(keys: RuleKeys, sharer: string, nowMs: number): Slot {
    const known = keys.overflow.get(sharer);
    if (known !== undefined) return known;
    const { shape } = keys.rule;
    if (keys.overflow.size >= this.#bounds.maxKeysPerAgent) {
      keys.lastResort ??= this.#buckets.allocate(shape, shape.capacity, nowMs);
      return keys.lastResort;
    }
    const slot = this.#buckets.allocate(shape, this.#inheritedLevel(keys, sharer, nowMs), nowMs);
    keys.overflow.set(sharer, slot);
    return slot;
  }

  #renew(keys: RuleKeys, rule: LimitRule, nowMs: number): void {
    const isReshaped = !isSameShape(keys.rule.shape, rule.shape);
    keys.rule = rule;
    keys.live = true;
    if (!isReshaped) return;
    for (const { slot } of this.entriesOf(rule)) {
      this.#buckets.reshape(slot, rule.shape, nowMs);
      this.#use.reshaped(slot);
    }
  }

  #sweepRule(keys: RuleKeys, nowMs: number): void {
    for (const [key, { slot, agent }] of keys.slots) {
      if (!this.#forget(slot, nowMs)) continue;
      keys.slots.delete(key);
      this.#keys -= 1;
      const left = (keys.keysOfAgent.get(agent) ?? 1) - 1;
      if (left === 0) keys.keysOfAgent.delete(agent);
      else keys.keysOfAgent.set(agent, left);
    }
    for (const [agent, slot] of keys.overflow) if (this.#forget(slot, nowMs)) keys.overflow.delete(agent);
    if (keys.lastResort !== undefined && this.#forget(keys.lastResort, nowMs)) keys.lastResort = undefined;
  }

  #forget(slot: Slot, nowMs: number): boolean {
    if (this.#use.isPinned(slot) || !this.#buckets.isForgettable(slot, nowMs)) return false;
    this.#use.forget(slot);
    this.#buckets.release(slot);
    return true;
  }
}

function isSameShape(a: BucketShape, b: BucketShape): boolean {
  return a.capacity === b.capacity && a.limit === b.limit && a.windowMs === b.windowMs;
}

function createRuleKeys(rule: LimitRule): RuleKeys {
  return {
    rule,
    live: true,
    slots: new Map(),
    keysOfAgent: new Map(),
    overflow: new Map(),
    lastResort: undefined,
  };
}
