import { describe, expect, it } from 'vitest';
import { planPolicySet, selects } from '../../../core/policy/plan.ts';
import type { Limit, Policy } from '../../../core/policy/policy.ts';

const LIMIT: Limit = {
  name: 'tokens',
  match: { models: ['gpt-*'] },
  per: ['agent', 'user'],
  unit: 'TotalTokens',
  bound: {
    kind: 'rates',
    rates: [
      { limit: 50_000, windowMs: 60_000, burst: 10_000 },
      { limit: 1_000_000, windowMs: 86_400_000, burst: 1_000_000 },
    ],
  },
  reserve: 'Strict',
  onLimit: { kind: 'Hold', maxWaitMs: 2_000 },
  warnAt: [50, 80],
  mode: 'Enforce',
};

const POLICY: Policy = {
  namespace: 'agents',
  name: 'review',
  matchLabels: {},
  mode: 'Enforce',
  limits: [LIMIT],
  restrictedTools: [],
  allowedTools: undefined,
};

const idsOf = (policies: readonly Policy[]) => planPolicySet(policies, {}, 1).rules.map(({ id }) => id);

describe('a plan', () => {
  it('has a rule for every rate, with its burst as the bucket’s size', () => {
    const { rules, revision } = planPolicySet([POLICY], {}, 7);
    expect(revision).toBe(7);
    expect(rules).toMatchObject([
      { shape: { capacity: 10_000, limit: 50_000, windowMs: 60_000 }, revision: 7 },
      { shape: { capacity: 1_000_000, limit: 1_000_000, windowMs: 86_400_000 }, revision: 7 },
    ]);
    for (const rule of rules) {
      expect(rule).toMatchObject({
        namespace: 'agents',
        policy: 'review',
        limit: 'tokens',
        unit: 'TotalTokens',
        unitIndex: 4,
        per: ['agent', 'user'],
        match: { models: ['gpt-*'] },
        reserve: 'Strict',
        maxWaitMs: 2_000,
        warnAt: [50, 80],
        shadow: false,
      });
    }
  });

  it('makes a gauge of a maximum, and refuses at once where the limit denies', () => {
    const limit: Limit = {
      ...LIMIT,
      unit: 'Concurrency',
      bound: { kind: 'max', max: 5 },
      onLimit: { kind: 'Deny' },
    };
    expect(planPolicySet([{ ...POLICY, limits: [limit] }], {}, 1).rules).toMatchObject([
      { shape: { capacity: 5, limit: 0, windowMs: 0 }, maxWaitMs: 0 },
    ]);
  });

  it('gives every bucket an identity of its own', () => {
    const ids = idsOf([
      POLICY,
      { ...POLICY, name: 'other' },
      { ...POLICY, namespace: 'other' },
      { ...POLICY, limits: [{ ...LIMIT, name: 'other' }] },
      { ...POLICY, limits: [{ ...LIMIT, per: ['agent'] }] },
      { ...POLICY, limits: [{ ...LIMIT, unit: 'OutputTokens' }] },
    ]);
    expect(new Set(ids).size).toBe(12);
  });

  it.each<[string, Partial<Limit>]>([
    ['numbers', { bound: { kind: 'rates', rates: [{ limit: 1, windowMs: 60_000, burst: 9 }] } }],
    ['mode', { mode: 'Shadow' }],
    ['match', { match: {} }],
    ['what happens at the limit', { onLimit: { kind: 'Deny' } }],
    ['reserve', { reserve: 'Learned' }],
  ])('keeps the identity when somebody edits the %s', (_, edit) => {
    expect(idsOf([POLICY])).toContain(idsOf([{ ...POLICY, limits: [{ ...LIMIT, ...edit }] }])[0]);
  });

  it('lets a limit’s own mode win over its policy’s, which stands for the tools', () => {
    const shadow: Policy = { ...POLICY, mode: 'Shadow', restrictedTools: ['rm'], allowedTools: ['ls'] };
    const { rules, tools } = planPolicySet([shadow], {}, 1);
    expect(rules.map((rule) => rule.shadow)).toEqual([false, false]);
    expect(tools).toEqual([
      {
        namespace: 'agents',
        policy: 'review',
        revision: 1,
        restricted: ['rm'],
        allowed: ['ls'],
        shadow: true,
      },
    ]);
  });

  it('says nothing about tools where the policy does not', () => {
    expect(planPolicySet([POLICY], {}, 1).tools).toEqual([]);
    expect(planPolicySet([{ ...POLICY, allowedTools: [] }], {}, 1).tools).toMatchObject([{ allowed: [] }]);
  });

  it.each<{ matchLabels: Record<string, string>; labels: Record<string, string>; selected: boolean }>([
    { matchLabels: {}, labels: {}, selected: true },
    { matchLabels: { app: 'a' }, labels: { app: 'a', tier: 'x' }, selected: true },
    { matchLabels: { app: 'a' }, labels: { app: 'b' }, selected: false },
    { matchLabels: { app: 'a', tier: 'x' }, labels: { app: 'a' }, selected: false },
    { matchLabels: { toString: 'x' }, labels: {}, selected: false },
  ])('selects agents by all labels: $matchLabels of $labels', ({ matchLabels, labels, selected }) => {
    const policy = { ...POLICY, matchLabels };
    expect(selects(policy, labels)).toBe(selected);
    expect(planPolicySet([policy], labels, 1).rules.length).toBe(selected ? 2 : 0);
  });
});
