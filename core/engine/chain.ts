// All buckets that one call must pass, found once per kind of call and then remembered.

import type { Call } from '../call.ts';
import { KNOWN_LEARNED, KNOWN_STRICT, LEARNED, STRICT } from '../cost.ts';
import { matchesGlob } from '../policy/glob.ts';
import type { LimitRule, PolicySet, ToolRule } from '../policy/plan.ts';
import type { KeyTable } from './key-table.ts';

/** The buckets of one call, parallel arrays over its rules. */
export type Chain = {
  readonly rules: readonly LimitRule[];
  readonly slots: Int32Array;
  /** Where each rule finds its charge and its known cost in a CallCost. */
  readonly chargeAt: Uint8Array;
  readonly knownAt: Uint8Array;
  /** Positions of enforced rules that allow nothing (limit or maximum 0): whatever costs their unit is forbidden. */
  readonly zeros: readonly number[];
  /** The tool rule that refuses this call whatever the levels are; undefined when none does. */
  readonly forbiddenBy: ToolRule | undefined;
  /** The tool rule that would refuse it if it were enforced. */
  readonly shadowForbiddenBy: ToolRule | undefined;
};

/** Chains by call, bounded. Beyond the bound the oldest half is dropped: a chain is only a cache of slots. */
export class ChainCache {
  readonly #keys: KeyTable;
  readonly #maxChains: number;
  readonly #chains = new Map<string, Chain>();
  #policySet: PolicySet = { revision: 0, rules: [], tools: [] };
  #generation = -1;

  constructor(keys: KeyTable, maxChains: number) {
    this.#keys = keys;
    this.#maxChains = maxChains;
  }

  /** Chains remembered now. */
  get size(): number {
    return this.#chains.size;
  }

  /** The rules that chains are made from. Drops every chain. */
  apply(policySet: PolicySet): void {
    this.#policySet = policySet;
    this.#chains.clear();
  }

  /** The chain of this call. Slots in it are valid until the key table's generation changes. */
  chainOf(call: Call, nowMs: number): Chain {
    if (this.#generation !== this.#keys.generation) {
      this.#chains.clear();
      this.#generation = this.#keys.generation;
    }
    const key = chainKey(call);
    const known = this.#chains.get(key);
    if (known !== undefined) return known;
    const chain = this.#build(call, nowMs);
    // Building may have swept the key table; what was cached before then may name slots that are gone.
    if (this.#generation !== this.#keys.generation) {
      this.#chains.clear();
      this.#generation = this.#keys.generation;
      return this.chainOf(call, nowMs);
    }
    if (this.#chains.size >= this.#maxChains) this.#dropOldest();
    this.#chains.set(key, chain);
    return chain;
  }

  #build(call: Call, nowMs: number): Chain {
    const rules = this.#policySet.rules.filter((rule) => matches(rule, call));
    return {
      rules,
      slots: Int32Array.from(rules, (rule) => this.#keys.slotOf(rule, call, nowMs)),
      chargeAt: Uint8Array.from(
        rules,
        (rule) => (rule.reserve === 'Strict' ? STRICT : LEARNED) + rule.unitIndex,
      ),
      knownAt: Uint8Array.from(
        rules,
        (rule) => (rule.reserve === 'Strict' ? KNOWN_STRICT : KNOWN_LEARNED) + rule.unitIndex,
      ),
      zeros: rules.flatMap((rule, at) => (!rule.shadow && allowsNothing(rule) ? [at] : [])),
      forbiddenBy: this.#policySet.tools.find((rule) => !rule.shadow && forbids(rule, call)),
      shadowForbiddenBy: this.#policySet.tools.find((rule) => rule.shadow && forbids(rule, call)),
    };
  }

  #dropOldest(): void {
    let toDrop = Math.ceil(this.#maxChains / 2);
    for (const key of this.#chains.keys()) {
      if (toDrop-- === 0) return;
      this.#chains.delete(key);
    }
  }
}

function chainKey(call: Call): string {
  const { kind, tenant, agent, user, session, model, upstream, pod, tool, toolNames } = call;
  const start = `${kind}\n${tenant}\n${agent}\n${user}\n${session}\n${model}\n${upstream}\n${pod}\n${tool}`;
  return toolNames.length === 0 ? start : `${start}\n${toolNames.join('\n')}`;
}

function allowsNothing({ shape }: LimitRule): boolean {
  return shape.capacity === 0 || (shape.windowMs > 0 && shape.limit === 0);
}

function matches(rule: LimitRule, call: Call): boolean {
  const { kinds, tools, models, upstreams } = rule.match;
  return (
    (kinds === undefined || kinds.includes(call.kind)) &&
    (tools === undefined || call.toolNames.some((name) => matchesAny(tools, name))) &&
    (models === undefined || matchesAny(models, call.model)) &&
    (upstreams === undefined || matchesAny(upstreams, call.upstream))
  );
}

function forbids(rule: ToolRule, call: Call): boolean {
  if (call.toolNames.length === 0) return false;
  if (call.toolNames.some((name) => matchesAny(rule.restricted, name))) return true;
  return rule.allowed !== undefined && !matchesAny(rule.allowed, call.tool);
}

function matchesAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => matchesGlob(glob, text));
}
