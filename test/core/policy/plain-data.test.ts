import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../core/policy/parse.ts';
import { copyPlainData, MAX_DEPTH, MAX_VALUES, type PlainCopy } from '../../../core/policy/plain-data.ts';
import { problemsOf, withRate, withSpec } from './policies.ts';

const problemsIn = (document: unknown) => problemsOf(parsePolicy(document));

function nested(depth: number): unknown {
  let inner: unknown = 'end';
  for (let level = 0; level < depth; level++) inner = { down: inner };
  return inner;
}

describe('copyPlainData', () => {
  it('copies JSON as it is, drops undefined fields and signs of zero', () => {
    const document = { a: [1, 'x', null, true, { b: undefined, c: -0 }], d: {} };
    expect(copyPlainData(document)).toStrictEqual({
      kind: 'copied',
      data: { a: [1, 'x', null, true, { c: 0 }], d: {} },
      findings: [],
    });
  });

  it('shares nothing with the document', () => {
    const document = { list: [{ a: 1 }] };
    const copy = copyPlainData(document);
    document.list.push({ a: 2 });
    expect(copy).toMatchObject({ data: { list: [{ a: 1 }] } });
    expect(copy.kind === 'copied' ? copy.data : undefined).not.toHaveProperty('list[1]');
  });

  it(`takes ${MAX_VALUES} values and refuses one more`, () => {
    const list = Array(MAX_VALUES - 1).fill(0);
    expect(copyPlainData(list).kind).toBe('copied');
    expect(copyPlainData([...list, 0]).kind).toBe('refused');
  });

  it(`takes ${MAX_DEPTH} levels and names the place where a deeper one was left out`, () => {
    const levels = (copy: PlainCopy) =>
      copy.kind === 'copied' ? copy.findings.map(({ path }) => path.length) : [];
    expect(levels(copyPlainData(nested(MAX_DEPTH)))).toEqual([]);
    expect(levels(copyPlainData(nested(MAX_DEPTH + 1)))).toEqual([MAX_DEPTH]);
  });

  it('reads no value of a map that has more fields than it may keep', () => {
    let reads = 0;
    const wide = new Proxy(
      { ...Array(MAX_VALUES + 1).fill(0) },
      {
        get: () => {
          reads++;
          return 0;
        },
      },
    );
    expect(copyPlainData(wide).kind).toBe('refused');
    expect(reads).toBe(0);
  });

  it('reads no more of a list than it may keep', () => {
    let reads = 0;
    const endless = new Proxy([], {
      get: (_, key) => {
        reads++;
        return key === 'length' ? 2 ** 32 : 0;
      },
    });
    expect(copyPlainData(endless).kind).toBe('refused');
    // The length is read once per item.
    expect(reads).toBeLessThan(3 * MAX_VALUES);
  });
});

describe('a hostile document is a problem, not an exception:', () => {
  it('one that contains itself', () => {
    const cyclic: Record<string, unknown> = { kind: 'RateLimitPolicy' };
    cyclic.spec = cyclic;
    expect(problemsIn(cyclic).at(-1)?.message).toContain(`is nested deeper than ${MAX_DEPTH} levels`);
  });

  it('one that contains itself many times over', () => {
    const cyclic: unknown[] = [];
    for (let copies = 0; copies < 100; copies++) cyclic.push(cyclic);
    expect(problemsIn({ spec: cyclic })).toEqual([expect.objectContaining({ path: '', value: '' })]);
  });

  it('one that is 10,000 levels deep', () => {
    expect(problemsIn(withSpec({ adaptive: nested(10_000) })).at(-1)?.message).toContain(
      'is nested deeper than',
    );
  });

  it('one with a million fields', () => {
    const spec = { ...Array(1_000_000).fill('x') };
    expect(problemsIn({ spec })).toEqual([
      {
        path: '',
        value: '',
        kind: 'invalid',
        message: `is too large for a policy: it has more than ${MAX_VALUES} values`,
      },
    ]);
  });

  it('one whose strings and keys are huge', () => {
    const huge = 'x'.repeat(10_000_000);
    const problems = problemsIn(withSpec({ mode: huge, [huge]: huge, restrictedTools: [huge] }));
    expect(problems.map(({ path }) => path)).toEqual([
      `spec["${'x'.repeat(78)}…]`,
      'spec.mode',
      'spec.restrictedTools[0]',
    ]);
    for (const { value } of problems) expect(value.length).toBeLessThanOrEqual(80);
  });

  it('one that sets prototypes', () => {
    const document = JSON.parse(
      '{"__proto__": {"kind": "RateLimitPolicy"}, "spec": {"__proto__": {"limits": []}}}',
    );
    expect(problemsIn(document).map(({ path }) => path)).toEqual([
      '__proto__',
      'apiVersion',
      'kind',
      'metadata',
      'spec',
      'spec.__proto__',
    ]);
    expect(Object.hasOwn(Object.prototype, 'limits')).toBe(false);
  });

  it('one that has labels with the names of built-in members', () => {
    const matchLabels = JSON.parse('{"constructor": "a", "__proto__": "b", "toString": "c"}');
    expect(problemsIn(withSpec({ selector: { matchLabels } })).map(({ path }) => path)).toEqual([
      'spec.selector.matchLabels.__proto__',
    ]);
  });

  it('one whose getters or proxies throw', () => {
    const throwing = {
      get spec(): never {
        throw new Error('no');
      },
    };
    const trap = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    );
    for (const document of [throwing, trap, { spec: trap }]) {
      expect(problemsIn(document)).toEqual([
        expect.objectContaining({
          path: '',
          message: expect.stringContaining('cannot be read: give plain data'),
        }),
      ]);
    }
  });

  it.each([
    ['a function', () => 1, 'function'],
    ['a symbol', Symbol('x'), 'symbol'],
    ['a big integer', 5n, '5'],
    ['not a number', Number.NaN, 'NaN'],
    ['a date', new Date(0), '{}'],
    ['a map', new Map([['a', 1]]), '{}'],
  ])('one in which an amount is %s', (_, limit, value) => {
    expect(problemsIn(withRate({ limit }))).toMatchObject([{ path: 'spec.limits[0].rates[0].limit', value }]);
  });
});
