import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invalid } from '../../../core/policy/finding.ts';
import { formatPath, shortJson, toProblems } from '../../../core/policy/problem.ts';

describe('formatPath', () => {
  it.each([
    [[], ''],
    [['kind'], 'kind'],
    [['spec', 'limits', 0, 'rates', 1, 'window'], 'spec.limits[0].rates[1].window'],
    [['metadata', 'labels', 'example.com/team'], 'metadata.labels["example.com/team"]'],
    [['spec', ''], 'spec[""]'],
    [['spec', 'a"b\n'], 'spec["a\\"b\\n"]'],
    [[0], '[0]'],
  ])('writes %j as %s', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });
});

describe('shortJson', () => {
  it('is JSON where that fits', () => {
    const fits = fc.jsonValue().filter((value) => JSON.stringify(value).length <= 80);
    fc.assert(fc.property(fits, (value) => shortJson(value) === JSON.stringify(value)));
  });

  it('is the beginning of JSON and an ellipsis, 80 characters in all, where that does not fit', () => {
    const pair = fc.tuple(
      fc.jsonValue(),
      fc.string({ unit: fc.constantFrom('a', '"', 'é'), minLength: 80, maxLength: 200 }),
    );
    fc.assert(
      fc.property(pair, (value) => {
        const whole = JSON.stringify(value);
        expect(shortJson(value)).toBe(`${whole.slice(0, 79)}…`);
      }),
    );
  });

  it('takes a value that is nested deeper than any stack', () => {
    let list: unknown = 1;
    let map: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) [list, map] = [[list], { a: map }];
    expect(shortJson(list)).toBe(`${'['.repeat(79)}…`);
    expect(shortJson(map)).toBe(`${'{"a":'.repeat(16).slice(0, 79)}…`);
  });

  it('never ends in half a character', () => {
    for (const padding of ['', 'x']) {
      const short = shortJson(padding + '😀'.repeat(100));
      expect(short.endsWith('😀…')).toBe(true);
    }
  });
});

describe('toProblems', () => {
  const data = { a: { x: 1, list: ['p', 'q'] }, b: 2 };

  it('sorts by the place in the document, missing fields before those that are there', () => {
    const paths = [['b'], ['a', 'list', 1], ['a', 'x'], ['a', 'list', 0], ['a', 'gone'], ['a'], []];
    const problems = toProblems(
      paths.map((path) => invalid(path, 'is wrong')),
      data,
    );
    expect(problems.map(({ path }) => path)).toEqual([
      '',
      'a',
      'a.gone',
      'a.x',
      'a.list[0]',
      'a.list[1]',
      'b',
    ]);
    expect(problems.map(({ value }) => value)).toEqual([
      '{"a":{"x":1,"list":["p","q"]},"b":2}',
      '{"x":1,"list":["p","q"]}',
      '',
      '1',
      '"p"',
      '"q"',
      '2',
    ]);
  });

  it('calls the omitted rest unsupported only when all of it is', () => {
    const unsupported = { path: ['a'], message: 'not supported yet: x', kind: 'unsupported' as const };
    const many = Array(101).fill(unsupported);
    expect(toProblems(many, data)[100]).toMatchObject({
      kind: 'unsupported',
      message: expect.stringContaining('and 1 more'),
    });
    expect(toProblems([...many, invalid(['b'], 'is wrong')], data)[100]).toMatchObject({ kind: 'invalid' });
  });
});
