import { describe, expect, it } from 'vitest';
import { parsePolicies, parsePolicy } from '../../../core/policy/parse.ts';
import type { Policy } from '../../../core/policy/policy.ts';
import { BAD_POLICIES } from './bad-policies.ts';
import {
  placesOf,
  problemsOf,
  withDollars,
  withLimit,
  withRate,
  withSpec,
  withTop,
  writtenLimit,
} from './policies.ts';

function validPolicy(document: unknown): Policy {
  const parsed = parsePolicy(document);
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  return parsed.policy;
}

describe('parsePolicy refuses a document that breaks a rule:', () => {
  const rows = BAD_POLICIES.map(([rule, document, path, value, fragment]) => ({
    rule,
    document,
    expected: {
      path,
      kind: 'invalid',
      value: value === '' ? '' : expect.stringContaining(value),
      message: expect.stringContaining(fragment),
    },
  }));

  it.each(rows)('$rule', ({ document, expected }) => {
    expect(problemsOf(parsePolicy(document))).toEqual([expected]);
  });

  it('a limit has one bound, whatever its unit', () => {
    const parsed = parsePolicy(withLimit({ max: 5, budget: { limit: 5, period: 'Day' } }));
    expect(placesOf(parsed)).toEqual([
      'invalid spec.limits[0]',
      'invalid spec.limits[0].max',
      'unsupported spec.limits[0].budget',
    ]);
    expect(problemsOf(parsed)[0]?.message).toContain('has rates and budget and max: keep exactly one');
  });

  it('fields that are not supported yet have their form too', () => {
    const parsed = parsePolicy(
      withSpec({
        limits: [
          writtenLimit({ rates: undefined, budget: { limit: 'x', period: 'Year', timeZone: 'Mars/Crater' } }),
        ],
        adaptive: {
          targets: [{ upstreams: ['db'], latency: { percentile: 100, objective: '0.8s' } }],
          minPercent: 0,
        },
        longRunning: [{ tools: ['x'], resultTTL: 5 }],
        anomaly: { action: false },
      }),
    );
    expect(placesOf(parsed)).toEqual([
      'unsupported spec.limits[0].budget',
      'invalid spec.limits[0].budget.limit',
      'invalid spec.limits[0].budget.period',
      'invalid spec.limits[0].budget.timeZone',
      'unsupported spec.adaptive',
      'invalid spec.adaptive.targets[0].latency.percentile',
      'invalid spec.adaptive.targets[0].latency.objective',
      'invalid spec.adaptive.minPercent',
      'unsupported spec.longRunning',
      'invalid spec.longRunning[0].after',
      'invalid spec.longRunning[0].resultTTL',
      'invalid spec.anomaly.action',
    ]);
    expect(problemsOf(parsed).at(-1)?.message).toContain('quote it as "Off", which YAML 1.1 reads as false');
  });

  it('a policy for the whole cluster has no namespace', () => {
    const parsed = parsePolicy(withTop({ kind: 'ClusterRateLimitPolicy' }));
    expect(placesOf(parsed)).toEqual(['unsupported kind', 'invalid metadata.namespace']);
    expect(problemsOf(parsed)[1]?.message).toContain('a field of RateLimitPolicy only');
  });
});

describe('parsePolicy reports every problem at once', () => {
  it('in the order of the document, cross-field rules beside wrong fields of the same limit', () => {
    const parsed = parsePolicy({
      apiVersion: 'v1',
      kind: 'RateLimitPolicy',
      metadata: { name: 'Bad' },
      spec: {
        limits: [
          writtenLimit({ name: 'A', unit: 'tokens', max: 5, window: '1m', warnAt: [50, 50, 200] }),
          {
            name: 'a',
            unit: 'Concurrency',
            rates: [
              { limit: 'x', window: '1m' },
              { window: '60s', strict: true },
            ],
          },
          writtenLimit({ name: 'a', rates: [{ limit: '1.5', burst: 1e16, window: 5 }] }),
        ],
        mode: 'On',
        unknown: 1,
      },
    });
    expect(placesOf(parsed)).toEqual([
      'invalid apiVersion',
      'invalid metadata.name',
      'invalid spec.limits[0]',
      'invalid spec.limits[0].name',
      'invalid spec.limits[0].unit',
      'invalid spec.limits[0].window',
      'invalid spec.limits[0].warnAt[1]',
      'invalid spec.limits[0].warnAt[2]',
      'invalid spec.limits[1].rates',
      'invalid spec.limits[1].rates[0].limit',
      'invalid spec.limits[1].rates[1].limit',
      'invalid spec.limits[1].rates[1].window',
      'unsupported spec.limits[1].rates[1].strict',
      'invalid spec.limits[2].name',
      'invalid spec.limits[2].rates[0].limit',
      'invalid spec.limits[2].rates[0].burst',
      'invalid spec.limits[2].rates[0].window',
      'invalid spec.mode',
      'invalid spec.unknown',
    ]);
  });

  it('up to a hundred, and counts the rest', () => {
    const unknown = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`field${n}`, n]));
    const problems = problemsOf(parsePolicy(withSpec(unknown)));
    expect(problems).toHaveLength(101);
    expect(problems[99]).toMatchObject({
      path: 'spec.field99',
      message: expect.stringContaining('the fields are selector, mode'),
    });
    expect(problems[100]).toEqual({
      path: '',
      value: '',
      kind: 'invalid',
      message: 'and 50 more problems: fix the first 100 and check again',
    });
  });
});

describe('parsePolicy accepts', () => {
  it('the smallest policy and fills in every default', () => {
    expect(parsePolicy(withTop({ metadata: { name: 'sample' } }))).toEqual({
      kind: 'valid',
      warnings: [],
      policy: {
        namespace: 'default',
        name: 'sample',
        matchLabels: {},
        mode: 'Enforce',
        restrictedTools: [],
        allowedTools: undefined,
        limits: [
          {
            name: 'calls',
            match: {},
            per: [],
            unit: 'Requests',
            bound: { kind: 'rates', rates: [{ limit: 5, windowMs: 60_000, burst: 5 }] },
            reserve: 'Learned',
            onLimit: { kind: 'Hold', maxWaitMs: 2_000 },
            warnAt: [80],
            mode: 'Enforce',
          },
        ],
      },
    });
  });

  it.each([
    [
      'limit 0, which forbids',
      withRate({ limit: 0 }),
      { kind: 'rates', rates: [{ limit: 0, windowMs: 60_000, burst: 0 }] },
    ],
    [
      'a negative zero as zero',
      withRate({ limit: -0 }),
      { kind: 'rates', rates: [{ limit: 0, windowMs: 60_000, burst: 0 }] },
    ],
    [
      'burst 0 beside limit 0',
      withRate({ limit: 0, burst: 0 }),
      { kind: 'rates', rates: [{ limit: 0, windowMs: 60_000, burst: 0 }] },
    ],
    [
      'max 0, which forbids',
      withLimit({ unit: 'Concurrency', rates: undefined, max: 0 }),
      { kind: 'max', max: 0 },
    ],
    [
      'dollars to the last micro',
      withDollars('0.000001'),
      { kind: 'rates', rates: [{ limit: 1, windowMs: 3_600_000, burst: 1 }] },
    ],
    [
      'whole dollars without quotes',
      withDollars(25),
      { kind: 'rates', rates: [{ limit: 25e6, windowMs: 3_600_000, burst: 25e6 }] },
    ],
    [
      'the longest window',
      withRate({ window: '744h' }),
      { kind: 'rates', rates: [{ limit: 5, windowMs: 2_678_400_000, burst: 5 }] },
    ],
    [
      'the largest limit',
      withRate({ limit: '1000000G' }),
      { kind: 'rates', rates: [{ limit: 1e15, windowMs: 60_000, burst: 1e15 }] },
    ],
  ])('%s', (_, document, bound) => {
    // JSON has one zero: toEqual would accept a negative one for it, and toStrictEqual would not.
    expect(validPolicy(document).limits[0]?.bound).toStrictEqual(bound);
  });

  it.each([
    ['restricted tools alone', { limits: undefined, restrictedTools: ['delete_*'] }, ['delete_*'], undefined],
    ['allowed tools alone', { limits: undefined, allowedTools: ['a', 'b?'] }, [], ['a', 'b?']],
    ['no allowed tool at all', { limits: undefined, allowedTools: [] }, [], []],
  ])('%s', (_, spec, restrictedTools, allowedTools) => {
    expect(validPolicy(withSpec(spec))).toMatchObject({ limits: [], restrictedTools, allowedTools });
  });

  it('what the API server and the operator write into a resource', () => {
    const metadata = {
      name: 'sample',
      namespace: 'agents',
      labels: { app: 'x' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
      uid: 'c0ffee',
      resourceVersion: '12',
      generation: 3,
      creationTimestamp: null,
      managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:spec': {} } }],
    };
    expect(parsePolicy(withTop({ metadata, status: { conditions: [] } })).kind).toBe('valid');
  });

  it('per in any order and returns the canonical one, and warnAt ascending', () => {
    const [limit] = validPolicy(withLimit({ per: ['model', 'user', 'agent'], warnAt: [95, 50] })).limits;
    expect(limit).toMatchObject({ per: ['agent', 'user', 'model'], warnAt: [50, 95] });
  });

  it.each<[string, Record<string, unknown>]>([
    ['a model that is forbidden', { match: { models: ['x'] }, rates: [{ limit: 0, window: '1m' }] }],
    ['a tool that is forbidden', { match: { tools: ['x'] }, rates: [{ limit: 0, window: '1m' }] }],
    ['tools among calls of kind HTTP', { match: { kinds: ['HTTP'], tools: ['x'] } }],
    ['models among calls of both kinds', { match: { kinds: ['HTTP', 'LLM'], models: ['x'] } }],
    ['dollars of calls of both kinds', { unit: 'USD', match: { kinds: ['HTTP', 'LLM'] } }],
    ['tokens of one model', { unit: 'TotalTokens', match: { kinds: ['LLM'], models: ['x'] } }],
    ['no warning beside limit 0', { rates: [{ limit: 0, window: '1m' }], warnAt: [] }],
  ])('what has an effect: %s', (_, changes) => {
    expect(validPolicy(withLimit(changes)).limits).toHaveLength(1);
  });

  it("a limit's own mode and reserve before the defaults", () => {
    const limits = [
      writtenLimit({ name: 'a' }),
      writtenLimit({ name: 'b', mode: 'Enforce' }),
      writtenLimit({ name: 'c', unit: 'USD' }),
      writtenLimit({ name: 'd', unit: 'USD', reserve: 'Learned' }),
      writtenLimit({ name: 'e', unit: 'InputTokens', reserve: 'Strict' }),
    ];
    const parsed = validPolicy(withSpec({ mode: 'Shadow', limits })).limits;
    expect(parsed.map(({ mode }) => mode)).toEqual(['Shadow', 'Enforce', 'Shadow', 'Shadow', 'Shadow']);
    expect(parsed.map(({ reserve }) => reserve)).toEqual([
      'Learned',
      'Learned',
      'Strict',
      'Learned',
      'Strict',
    ]);
  });
});

describe('parsePolicy warns', () => {
  const warningsOf = (document: unknown) => {
    const parsed = parsePolicy(document);
    return parsed.kind === 'valid' ? parsed.warnings : [];
  };

  it('of a burst below half a second of the rate, and not of one at it', () => {
    const rates = [
      { limit: 120, window: '1m', burst: 1 },
      { limit: 1201, window: '10m', burst: 1 },
    ];
    expect(warningsOf(withLimit({ rates }))).toEqual([
      expect.stringContaining('spec.limits[0].rates[1].burst is less than half a second of the rate'),
    ]);
  });

  it.each([
    ['all per user', [['user']], 1],
    ['all per user or session', [['user'], ['tool', 'session']], 1],
    ['one per agent', [['user'], ['agent']], 0],
    ['one for all', [['session'], []], 0],
  ])('of limits that callers can multiply: %s', (_, keys, count) => {
    const limits = keys.map((per, n) => writtenLimit({ name: `n${n}`, per }));
    expect(warningsOf(withSpec({ limits })).filter((warning) => warning.includes('N times'))).toHaveLength(
      count,
    );
  });

  it('not of a policy that only restricts tools', () => {
    expect(warningsOf(withSpec({ limits: undefined, restrictedTools: ['x'] }))).toEqual([]);
  });
});

describe('parsePolicies', () => {
  const named = (name: string, namespace?: string) => withTop({ metadata: { name, namespace } });

  it('keeps the order of the documents and reports a repeated namespace and name in the later one', () => {
    const parsed = parsePolicies([named('a'), null, named('a', 'other'), named('a', 'default'), named('b')]);
    expect(parsed.map(({ kind }) => kind)).toEqual(['valid', 'invalid', 'valid', 'invalid', 'valid']);
    expect(parsed[3]).toEqual({
      kind: 'invalid',
      problems: [
        {
          path: 'metadata.name',
          value: '"a"',
          kind: 'invalid',
          message: expect.stringContaining('is the name of document 1 of this set too'),
        },
      ],
    });
  });

  it('reports the repetition beside the other problems of a document', () => {
    const [, second] = parsePolicies([named('a'), { ...named('a'), spec: {} }]);
    expect(placesOf(second)).toEqual(['invalid metadata.name', 'invalid spec']);
  });

  it('lets a policy of the cluster have the name of a policy of a namespace', () => {
    const cluster = withTop({ kind: 'ClusterRateLimitPolicy', metadata: { name: 'a' } });
    const [, second] = parsePolicies([named('a'), cluster]);
    expect(placesOf(second)).toEqual(['unsupported kind']);
  });
});
