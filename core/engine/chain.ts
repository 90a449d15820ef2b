// All buckets that one call must pass, found once per kind of call and then remembered.

import { type Call, type KeyPart, UNREADABLE_MODEL } from '../call.ts';
import { KNOWN_LEARNED, KNOWN_STRICT, LEARNED, STRICT } from '../cost.ts';
import { matchesGlob } from '../policy/glob.ts';
import type { LimitRule, PolicySet, ToolRule } from '../policy/plan.ts';
import type { KeyTable } from './key-table.ts';

/** The buckets of one call, parallel arrays over its rules. */
export type Chain = {
  readonly rules: readonly LimitRule[];
  readonly slots: Int32Array;
  /** The unit that each rule counts, as a position in a cost vector. */
  readonly unitAt: Uint8Array;
  /** Where each rule finds its charge and its known cost in a CallCost. */
  readonly chargeAt: Uint8Array;
  readonly knownAt: Uint8Array;
  /** Slots of enforced concurrency limits. */
  readonly gauges: readonly number[];
  /** Positions of enforced rules that allow nothing (limit or maximum 0): whatever costs their unit is forbidden. */
  readonly zeros: readonly number[];
  /** The same of Shadow rules. */
  readonly shadowZeros: readonly number[];
  /** The tool rule that refuses this call whatever the levels are; undefined when none does. */
  readonly forbiddenBy: ToolRule | undefined;
  /** The tool rule that would refuse it if it were enforced. */
  readonly shadowForbiddenBy: ToolRule | undefined;
};

/** What a rule may look at. */
type ChainPart = KeyPart | 'kind' | 'toolNames';

/**
 * Chains by the attributes of a call, bounded. What was not asked for since the newer half of the bound was filled is
 * forgotten: a chain is only a cache of slots.
 */
export class ChainCache {
  readonly #keys: KeyTable;
  readonly #maxChains: number;
  #newer = new ChainTree();
  #older = new ChainTree();
  #policySet: PolicySet = { revision: 0, rules: [], tools: [] };
  #parts: readonly ChainPart[] = [];
  #generation = -1;

  constructor(keys: KeyTable, maxChains: number) {
    this.#keys = keys;
    this.#maxChains = maxChains;
  }

  /** Chains remembered now. */
  get size(): number {
    return this.#newer.size + this.#older.size;
  }

  /** The rules that chains are made from. Drops every chain. */
  apply(policySet: PolicySet): void {
    this.#policySet = policySet;
    this.#parts = partsOf(policySet);
    this.#clear();
  }

  /** The chain of this call. Slots in it are valid until the key table's generation changes. */
  chainOf(call: Call, nowMs: number): Chain {
    if (this.#generation !== this.#keys.generation) this.#clear();
    return this.#newer.find(this.#parts, call) ?? this.#remember(call, nowMs);
  }

  #remember(call: Call, nowMs: number): Chain {
    const chain = this.#older.find(this.#parts, call) ?? this.#build(call, nowMs);
    // Building may have swept the key table; what was cached before then may name slots that are gone.
    if (this.#generation !== this.#keys.generation) return this.chainOf(call, nowMs);
    if (this.#newer.size >= this.#maxChains / 2) {
      this.#older = this.#newer;
      this.#newer = new ChainTree();
    }
    this.#newer.add(this.#parts, call, chain);
    return chain;
  }

  #clear(): void {
    this.#newer = new ChainTree();
    this.#older = new ChainTree();
    this.#generation = this.#keys.generation;
  }

  #build(call: Call, nowMs: number): Chain {
    const rules = this.#policySet.rules.filter((rule) => matches(rule, call));
    const slots = Int32Array.from(rules, (rule) => this.#keys.slotOf(rule, call, nowMs));
    const isStrict = (rule: LimitRule) => rule.reserve === 'Strict';
    return {
      rules,
      slots,
      unitAt: Uint8Array.from(rules, ({ unitIndex }) => unitIndex),
      chargeAt: Uint8Array.from(rules, (rule) => (isStrict(rule) ? STRICT : LEARNED) + rule.unitIndex),
      knownAt: Uint8Array.from(
        rules,
        (rule) => (isStrict(rule) ? KNOWN_STRICT : KNOWN_LEARNED) + rule.unitIndex,
      ),
      gauges: [...slots].filter((_, at) => rules[at]?.shape.windowMs === 0 && !rules[at]?.shadow),
      zeros: rules.flatMap((rule, at) => (!rule.shadow && allowsNothing(rule) ? [at] : [])),
      shadowZeros: rules.flatMap((rule, at) => (rule.shadow && allowsNothing(rule) ? [at] : [])),
      forbiddenBy: this.#policySet.tools.find((rule) => !rule.shadow && forbids(rule, call)),
      shadowForbiddenBy: this.#policySet.tools.find((rule) => rule.shadow && forbids(rule, call)),
    };
  }
}

type Branch = { readonly next: Map<string, Branch>; chain: Chain | undefined };

/** Chains by one attribute after the other: no key has to be put together for a look-up. */
class ChainTree {
  size = 0;
  readonly #root = createBranch();

  find(parts: readonly ChainPart[], call: Call): Chain | undefined {
    let branch: Branch | undefined = this.#root;
    for (const part of parts) {
      if (branch === undefined) return undefined;
      if (part !== 'toolNames') branch = branch.next.get(call[part]);
      else for (const name of call.toolNames) branch = branch?.next.get(name);
    }
    return branch?.chain;
  }

  add(parts: readonly ChainPart[], call: Call, chain: Chain): void {
    let branch = this.#root;
    for (const part of parts) {
      if (part !== 'toolNames') branch = grown(branch, call[part]);
      else for (const name of call.toolNames) branch = grown(branch, name);
    }
    branch.chain = chain;
    this.size += 1;
  }
}

function createBranch(): Branch {
  return { next: new Map(), chain: undefined };
}

function grown(branch: Branch, value: string): Branch {
  const known = branch.next.get(value);
  if (known !== undefined) return known;
  const added = createBranch();
  branch.next.set(value, added);
  return added;
}

/**
 * The attributes that some rule looks at, `toolNames` last: calls that agree in them have the same chain. An attribute
 * that no rule looks at, such as a session of its own for each call, fills no cache. Only `toolNames` has any length,
 * and so must be last: a name could not be told from the part behind it.
 */
function partsOf({ rules, tools }: PolicySet): readonly ChainPart[] {
  const parts = new Set<ChainPart>(rules.flatMap(({ per }) => per));
  if (rules.some(({ match }) => match.kinds !== undefined)) parts.add('kind');
  // Whether a call can be read stands in its model.
  if (rules.some(({ match }) => match.models !== undefined || match.kinds !== undefined)) parts.add('model');
  if (rules.some(({ match }) => match.upstreams !== undefined)) parts.add('upstream');
  if (tools.some(({ allowed }) => allowed !== undefined)) parts.add('tool');
  if (tools.length > 0 || rules.some(({ match }) => match.tools !== undefined)) parts.add('toolNames');
  return [...parts];
}

function allowsNothing({ shape }: LimitRule): boolean {
  return shape.capacity === 0 || (shape.windowMs > 0 && shape.limit === 0);
}

function matches(rule: LimitRule, call: Call): boolean {
  const { kinds, tools, models, upstreams } = rule.match;
  // What is unknown makes a limit apply: else a route that cannot be read would be the way around it.
  const isUnreadable = call.model === UNREADABLE_MODEL;
  return (
    (kinds === undefined || kinds.includes(call.kind) || (isUnreadable && kinds.includes('LLM'))) &&
    (tools === undefined || call.toolNames.some((name) => matchesTool(tools, name))) &&
    (models === undefined || isUnreadable || matchesAny(models, call.model)) &&
    (upstreams === undefined || matchesAny(upstreams, call.upstream))
  );
}

function forbids(rule: ToolRule, call: Call): boolean {
  if (call.toolNames.length === 0) return false;
  if (call.toolNames.some((name) => matchesTool(rule.restricted, name))) return true;
  return rule.allowed !== undefined && !matchesTool(rule.allowed, call.tool);
}

/** Servers differ in whether they tell letter case apart in a tool's name; a limit must hold on all of them. */
function matchesTool(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => matchesGlob(glob.toLowerCase(), name.toLowerCase()));
}

function matchesAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => matchesGlob(glob, text));
}
