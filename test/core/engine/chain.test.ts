import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Call, KEY_PARTS, UNREADABLE_MODEL } from '../../../core/call.ts';
import { BucketTable } from '../../../core/engine/bucket-table.ts';
import { type Chain, ChainCache } from '../../../core/engine/chain.ts';
import { KeyTable, OVERFLOW } from '../../../core/engine/key-table.ts';
import type { LimitRule, ToolRule } from '../../../core/policy/plan.ts';
import { createCall, createRule, createToolRule } from '../sample-rules.ts';

const SHAPE = { capacity: 5, limit: 1, windowMs: 1_000 };

function createCache(
  rules: readonly LimitRule[],
  tools: readonly ToolRule[] = [],
  bounds = { maxBuckets: 100, maxKeysPerAgent: 100 },
) {
  const buckets = new BucketTable();
  const keys = new KeyTable(buckets, bounds, {
    isPinned: () => false,
    forget: () => undefined,
    reshaped: () => undefined,
  });
  keys.apply(rules, 0);
  const chains = new ChainCache(keys, 8);
  chains.apply({ revision: 1, rules, tools });
  return { buckets, keys, chains };
}

const KEYED = [
  createRule({ limit: 'all', shape: SHAPE }),
  createRule({ limit: 'user', shape: SHAPE, per: ['user'] }),
  createRule({ limit: 'model', shape: SHAPE, per: ['agent', 'model'] }),
];

type Step =
  | { readonly kind: 'call'; readonly user: number; readonly model: number; readonly amount: number }
  | { readonly kind: 'wait'; readonly elapsedMs: number }
  | { readonly kind: 'sweep' | 'apply' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      user: fc.nat({ max: 9 }),
      model: fc.nat({ max: 4 }),
      amount: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), elapsedMs: fc.nat({ max: 4_000 }) }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'sweep' as const }, { kind: 'apply' as const }) },
);

/** Every slot of a chain must be a live bucket of its rule: the call's own, or an overflow bucket. */
function expectLive(keys: KeyTable, chain: Chain, call: Call): void {
  for (const [at, rule] of chain.rules.entries()) {
    const owner = [...keys.entriesOf(rule)].find((entry) => entry.slot === chain.slots[at])?.key;
    const isOwn = rule.per.every((part, i) => [call[part], OVERFLOW].includes(owner?.[i] ?? ''));
    expect(owner !== undefined && isOwn).toBe(true);
  }
}

function expectFresh(steps: readonly Step[], bounds: { maxBuckets: number; maxKeysPerAgent: number }): void {
  const { buckets, keys, chains } = createCache(KEYED, [], bounds);
  let nowMs = 0;
  for (const step of steps) {
    if (step.kind === 'wait') nowMs += step.elapsedMs;
    if (step.kind === 'sweep') keys.sweep(nowMs);
    if (step.kind === 'apply') keys.apply(KEYED, nowMs);
    if (step.kind !== 'call') continue;
    const call = createCall({ user: `u${step.user}`, model: `m${step.model}` });
    const chain = chains.chainOf(call, nowMs);
    expect(chain.rules).toEqual(KEYED);
    expectLive(keys, chain, call);
    for (const slot of chain.slots) buckets.chargeMore(slot, step.amount);
    expect(chains.size).toBeLessThanOrEqual(8);
  }
}

describe('the cache of chains', () => {
  it('never names a bucket that was given back, and stays bounded', () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 100 }),
        fc.record({
          maxBuckets: fc.integer({ min: 1, max: 15 }),
          maxKeysPerAgent: fc.integer({ min: 1, max: 6 }),
        }),
        expectFresh,
      ),
      { numRuns: 300 },
    );
  });

  it('remembers a chain until slots were given back', () => {
    const { buckets, keys, chains } = createCache(KEYED);
    const chain = chains.chainOf(createCall(), 0);
    for (const slot of chain.slots) buckets.chargeMore(slot, 1);
    keys.sweep(0);
    expect(chains.chainOf(createCall(), 0)).toBe(chain);
    keys.sweep(5_000);
    expect(chains.chainOf(createCall(), 5_000)).not.toBe(chain);
  });

  const toolRule = createToolRule({ restricted: ['other'] });

  it.each<{ part: keyof Call; rule?: Partial<LimitRule>; tools?: readonly ToolRule[] }>([
    { part: 'kind', rule: { match: { kinds: ['LLM'] } } },
    { part: 'toolNames', rule: { match: { tools: ['other'] } } },
    { part: 'toolNames', tools: [toolRule] },
    { part: 'tool', tools: [{ ...toolRule, allowed: ['search'] }] },
    { part: 'model', rule: { match: { models: ['other'] } } },
    { part: 'upstream', rule: { match: { upstreams: ['other'] } } },
    ...KEY_PARTS.map((part) => ({ part, rule: { per: [part] } })),
  ])('tells calls apart by $part exactly where a rule looks at it', ({ part, rule, tools }) => {
    const call = createCall({ kind: 'HTTP', toolNames: ['search'] });
    const value = part === 'kind' ? 'LLM' : part === 'toolNames' ? ['other', 'search'] : 'other';
    const other: Call = { ...call, [part]: value };
    const blind = createCache([createRule({ shape: SHAPE })]).chains;
    expect(blind.chainOf(other, 0)).toBe(blind.chainOf(call, 0));
    const { chains } = createCache([createRule({ shape: SHAPE, ...rule })], tools);
    const chain = chains.chainOf(call, 0);
    expect(chains.chainOf(other, 0)).not.toBe(chain);
    expect(chains.chainOf(call, 0)).toBe(chain);
  });
});

describe('a chain', () => {
  it.each([
    { match: {}, applies: true },
    { match: { kinds: ['LLM' as const] }, applies: false },
    { match: { kinds: ['HTTP' as const, 'LLM' as const] }, applies: true },
    { match: { tools: ['search'] }, applies: true },
    { match: { tools: ['db_*'] }, applies: true },
    { match: { tools: ['DB_*'] }, applies: true },
    { match: { tools: ['mail'] }, applies: false },
    { match: { models: ['gpt-4*'] }, applies: false },
    { match: { models: ['unknown'] }, applies: true },
    { match: { upstreams: ['bill*'] }, applies: true },
    { match: { upstreams: ['bill*'], tools: ['mail'] }, applies: false },
  ])('holds a rule exactly when all of its match holds: $match', ({ match, applies }) => {
    const rule = createRule({ shape: SHAPE, match });
    const call = createCall({
      kind: 'HTTP',
      tool: 'search',
      toolNames: ['search', 'db_users'],
      model: 'unknown',
      upstream: 'billing',
    });
    expect(createCache([rule]).chains.chainOf(call, 0).rules).toEqual(applies ? [rule] : []);
  });

  it.each([
    { match: { models: ['gpt-4*'] }, applies: true },
    { match: { kinds: ['LLM' as const] }, applies: true },
    { match: { kinds: ['Tool' as const] }, applies: false },
    { match: { models: ['gpt-4*'], upstreams: ['other'] }, applies: false },
  ])('holds a rule about models that cannot be told for a call that we cannot read: $match', ({
    match,
    applies,
  }) => {
    const rule = createRule({ shape: SHAPE, match });
    const call = createCall({ kind: 'HTTP', model: UNREADABLE_MODEL });
    const { chains } = createCache([rule]);
    const readable = { ...call, model: 'whisper-1' };
    expect(chains.chainOf(readable, 0).rules).toEqual([]);
    expect(chains.chainOf(call, 0).rules).toEqual(applies ? [rule] : []);
  });

  it.each([
    { names: ['search'], restricted: ['delete_*'], allowed: undefined, forbidden: false },
    { names: ['delete_file'], restricted: ['delete_*'], allowed: undefined, forbidden: true },
    { names: ['Delete_File'], restricted: ['delete_*'], allowed: undefined, forbidden: true },
    { names: ['delete_file'], restricted: ['DELETE_*'], allowed: undefined, forbidden: true },
    { names: ['v1', 'delete_file'], restricted: ['delete_*'], allowed: undefined, forbidden: true },
    { names: ['Search'], restricted: [], allowed: ['search'], forbidden: false },
    { names: ['search'], restricted: [], allowed: ['search'], forbidden: false },
    { names: ['mail'], restricted: [], allowed: ['search'], forbidden: true },
    { names: ['mail', 'search'], restricted: [], allowed: ['search'], forbidden: true },
    { names: ['search'], restricted: ['search'], allowed: ['search'], forbidden: true },
    { names: [], restricted: ['*'], allowed: [], forbidden: false },
  ])('forbids a tool by any of its names, allows it by its first: $names', ({
    names,
    restricted,
    allowed,
    forbidden,
  }) => {
    const rule = createToolRule({ restricted, allowed });
    const call = createCall({ kind: 'HTTP', tool: names[0] ?? 'unknown', toolNames: names });
    const enforced = createCache([], [rule]).chains.chainOf(call, 0);
    expect(enforced.forbiddenBy).toEqual(forbidden ? rule : undefined);
    expect(enforced.shadowForbiddenBy).toBeUndefined();
    const shadow = createCache([], [{ ...rule, shadow: true }]).chains.chainOf(call, 0);
    expect(shadow.forbiddenBy).toBeUndefined();
    expect(shadow.shadowForbiddenBy).toEqual(forbidden ? { ...rule, shadow: true } : undefined);
  });

  it.each([
    { shape: { capacity: 0, limit: 0, windowMs: 1_000 }, allowsNothing: true },
    { shape: { capacity: 5, limit: 0, windowMs: 1_000 }, allowsNothing: true },
    { shape: { capacity: 0, limit: 0, windowMs: 0 }, allowsNothing: true },
    { shape: { capacity: 1, limit: 0, windowMs: 0 }, allowsNothing: false },
    { shape: { capacity: 1, limit: 1, windowMs: 1_000 }, allowsNothing: false },
  ])('knows the rules that allow nothing: $shape', ({ shape, allowsNothing }) => {
    const rules = [createRule({ shape }), createRule({ limit: 'shadow', shape, shadow: true })];
    expect(createCache(rules).chains.chainOf(createCall(), 0).zeros).toEqual(allowsNothing ? [0] : []);
  });
});
