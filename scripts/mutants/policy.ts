// Faults in the policy parser.

import type { Mutant } from './mutant.ts';

const test = (name: string): string => `test/core/policy/${name}.test.ts`;
const LANGUAGE_TESTS = [test('whole-language'), test('parse'), test('parse-property')];

export const POLICY_MUTANTS: readonly Mutant[] = [
  {
    id: 'usd-padded-left',
    file: 'core/policy/usd.ts',
    find: "fraction.padEnd(6, '0')",
    replace: "fraction.padStart(6, '0')",
    fault: 'a limit of 0.5 dollars is read as 0.000005',
    tests: [test('usd')],
  },
  {
    id: 'milliseconds-are-minutes',
    file: 'core/policy/duration.ts',
    find: '/([0-9]+)(ms|h|m|s)/g',
    replace: '/([0-9]+)(h|m|s|ms)/g',
    fault: 'a duration in milliseconds is read as minutes',
    tests: [test('duration')],
  },
  {
    id: 'kilo-is-1024',
    file: 'core/policy/quantity.ts',
    find: 'k: 1e3',
    replace: 'k: 1024',
    fault: 'a limit of 50k admits 51,200',
    tests: [test('quantity')],
  },
  {
    id: 'amount-too-large',
    file: 'core/policy/amount.ts',
    find: 'if (steps > MAX_STEPS)',
    replace: 'if (steps > 100 * MAX_STEPS)',
    fault: 'amounts are accepted that cannot be counted exactly',
    tests: [test('amount')],
  },
  {
    id: 'unsupported-accepted',
    file: 'core/policy/support.ts',
    find: "row.refused === 'any' || ",
    replace: '',
    fault: 'a field that is not enforced yet is accepted and ignored',
    tests: [test('support')],
  },
  {
    id: 'usd-learned',
    file: 'core/policy/build.ts',
    find: "(limit.unit === 'USD' ? 'Strict' : 'Learned')",
    replace: "(limit.unit === 'USD' ? 'Learned' : 'Learned')",
    fault: 'a dollar limit reserves a guess where it should reserve the worst case',
    tests: LANGUAGE_TESTS,
  },
  {
    id: 'own-mode-ignored',
    file: 'core/policy/build.ts',
    find: 'mode: limit.mode ?? policyMode,',
    replace: 'mode: policyMode,',
    fault: 'a limit on trial refuses calls',
    tests: LANGUAGE_TESTS,
  },
  {
    id: 'own-burst-ignored',
    file: 'core/policy/build.ts',
    find: 'burst: steps(unit, burst ?? limit)',
    replace: 'burst: steps(unit, limit)',
    fault: 'the burst that a person wrote is ignored',
    tests: LANGUAGE_TESTS,
  },
  {
    id: 'key-order-as-written',
    file: 'core/policy/build.ts',
    find: 'per: KEY_PARTS.filter((part) => limit.per.includes(part)),',
    replace: 'per: [...limit.per],',
    fault: 'writing [user, agent] as [agent, user] resets the buckets',
    tests: LANGUAGE_TESTS,
  },
  {
    id: 'repeated-policy',
    file: 'core/policy/parse.ts',
    find: 'if (first !== undefined) return conclude(withFinding(examined, repeated(first)));',
    replace: '',
    fault: 'two policies of one name are accepted and share buckets',
    tests: LANGUAGE_TESTS,
  },
  {
    id: 'question-mark-literal',
    file: 'core/policy/glob.ts',
    find: "wanted === '?' || ",
    replace: '',
    fault: 'a restriction with ? matches nothing',
    tests: [test('glob')],
  },
  {
    id: 'prototype-key-copied',
    file: 'core/policy/plain-data.ts',
    find: "key === '__proto__' || ",
    replace: '',
    fault: 'a document can set the prototype of what is read from it',
    tests: [test('plain-data')],
  },
];
