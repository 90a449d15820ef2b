// Faults in which bucket a key has, what a chain is made of, and what a policy set means.

import type { Mutant } from './mutant.ts';

const KEYS = 'core/engine/key-table.ts';
const CHAIN = 'core/engine/chain.ts';
const PLAN = 'core/policy/plan.ts';
const ESTIMATE = 'core/estimate/estimate.ts';
const UNIT = 'core/unit.ts';

const KEY_TESTS = ['test/core/engine/key-table.test.ts'];
const CHAIN_TESTS = ['test/core/engine/chain.test.ts'];
const PLAN_TESTS = ['test/core/policy/plan.test.ts'];
const DECIDE_TESTS = ['test/core/decide.test.ts'];

export const KEY_MUTANTS: readonly Mutant[] = [
  {
    id: 'own-bucket-starts-full',
    file: KEYS,
    find: '      level = Math.min(level, this.#buckets.levelOf(slot));',
    replace: '',
    fault: 'a key that comes out of the overflow bucket may spend a burst again',
    tests: KEY_TESTS,
  },
  {
    id: 'overflow-by-agent-always',
    file: KEYS,
    find: "const sharer = rule.per.includes('agent') ? call.agent : EVERYBODY;",
    replace: 'const sharer = call.agent;',
    fault: 'a flood of agents gets an overflow bucket each under a limit that has no agents',
    tests: KEY_TESTS,
  },
  {
    id: 'flood-buys-scans',
    file: KEYS,
    find: 'if (nowMs - this.#lastSweepMs < SWEEP_INTERVAL_MS) return;',
    replace: '',
    fault: 'every new key of a flood costs a scan of the whole table',
    tests: KEY_TESTS,
  },
  {
    id: 'held-bucket-forgotten',
    file: KEYS,
    find: 'if (this.#use.isPinned(slot) || !this.#buckets.isForgettable(slot, nowMs)) return false;',
    replace: 'if (!this.#buckets.isForgettable(slot, nowMs)) return false;',
    fault: 'a bucket is pulled from under the calls that are held on it',
    tests: KEY_TESTS,
  },
  {
    id: 'stale-slots-not-noticed',
    file: KEYS,
    find: '    if (this.#buckets.size < before) this.generation += 1;',
    replace: '',
    fault: 'calls are charged to buckets that belong to other keys by now',
    tests: [...KEY_TESTS, ...CHAIN_TESTS],
  },
  {
    id: 'dropped-rule-forgets',
    file: KEYS,
    find: 'if (!keys.live && isEmpty) this.#rules.delete(id);',
    replace: 'if (!keys.live) this.#rules.delete(id);',
    fault: 'removing a limit and adding it again resets it',
    tests: KEY_TESTS,
  },
  {
    id: 'edit-does-not-reach-buckets',
    file: KEYS,
    find: '    if (!isReshaped) return;',
    replace: '    if (isReshaped) return;',
    fault: 'edited numbers hold for new keys only',
    tests: KEY_TESTS,
  },
  {
    id: 'keys-unbounded',
    file: KEYS,
    find: 'if (this.#isFull(keys, call.agent)) return this.#overflow(keys, sharer, nowMs);',
    replace: '',
    fault: 'a flood of keys fills the memory',
    tests: KEY_TESTS,
  },
  {
    id: 'chain-outlives-buckets',
    file: CHAIN,
    find: '    if (this.#generation !== this.#keys.generation) this.#clear();\n',
    replace: '',
    fault: 'a remembered chain names buckets that were given to other keys',
    tests: CHAIN_TESTS,
  },
  {
    id: 'chain-mixes-calls',
    file: CHAIN,
    find: "  if (rules.some(({ match }) => match.models !== undefined || match.kinds !== undefined)) parts.add('model');\n",
    replace: '',
    fault: 'a call of one model passes the limits of another',
    tests: CHAIN_TESTS,
  },
  {
    id: 'restriction-by-first-name',
    file: CHAIN,
    find: 'if (call.toolNames.some((name) => matchesTool(rule.restricted, name))) return true;',
    replace: 'if (matchesTool(rule.restricted, call.tool)) return true;',
    fault: 'a restricted tool is reached behind a prefix in the path',
    tests: CHAIN_TESTS,
  },
  {
    id: 'restriction-by-letter-case',
    file: CHAIN,
    find: 'matchesGlob(glob.toLowerCase(), name.toLowerCase())',
    replace: 'matchesGlob(glob, name)',
    fault: 'a restricted tool is reached by other letters where its server does not tell them apart',
    tests: CHAIN_TESTS,
  },
  {
    id: 'unreadable-model-escapes',
    file: CHAIN,
    find: '(models === undefined || isUnreadable || ',
    replace: '(models === undefined || ',
    fault: 'a paid route that we cannot read is the way around a limit on a model',
    tests: CHAIN_TESTS,
  },
  {
    id: 'shadow-restriction-enforced',
    file: CHAIN,
    find: 'forbiddenBy: this.#policySet.tools.find((rule) => !rule.shadow && forbids(rule, call)),',
    replace: 'forbiddenBy: this.#policySet.tools.find((rule) => forbids(rule, call)),',
    fault: 'a Shadow policy forbids tools',
    tests: CHAIN_TESTS,
  },
  {
    id: 'limit-zero-waits',
    file: CHAIN,
    find: 'return shape.capacity === 0 || (shape.windowMs > 0 && shape.limit === 0);',
    replace: 'return shape.capacity === 0;',
    fault: 'a limit of 0 is answered with a wait instead of a refusal',
    tests: CHAIN_TESTS,
  },
  {
    id: 'identity-without-window',
    file: PLAN,
    find: '      shape.windowMs,\n',
    replace: '',
    fault: 'two rates of one limit share a bucket',
    tests: PLAN_TESTS,
  },
  {
    id: 'burst-ignored',
    file: PLAN,
    find: 'capacity: rate.burst,',
    replace: 'capacity: rate.limit,',
    fault: 'the burst of a rate is not enforced',
    tests: PLAN_TESTS,
  },
  {
    id: 'selector-any-label',
    file: PLAN,
    find: 'Object.entries(policy.matchLabels).every(',
    replace: 'Object.entries(policy.matchLabels).some(',
    fault: 'a policy applies to agents that it does not select',
    tests: PLAN_TESTS,
  },
  {
    id: 'cap-not-known',
    file: ESTIMATE,
    find: 'return outputBounded ? strict.output : known.output;',
    replace: 'return outputBounded ? known.output : known.output;',
    fault: 'a call whose explicit cap exceeds a Strict limit is told to wait',
    tests: ['test/core/cost.test.ts'],
  },
  {
    id: 'unreadable-route-free',
    file: UNIT,
    find: "  'TotalTokens',\n  'USD',\n]);",
    replace: "  'TotalTokens',\n]);",
    fault: 'a paid route that we cannot read passes under a limit of dollars',
    tests: DECIDE_TESTS,
  },
];
