import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderJsonSchema } from '../../../core/policy/json-schema.ts';
import { parsePolicies, parsePolicy } from '../../../core/policy/parse.ts';
import type { PolicyProblem } from '../../../core/policy/policy.ts';
import { problemsOf, withLimit } from './policies.ts';
import { fitsSchema } from './schema-check.ts';
import { canCount, matches, units, writtenPolicies } from './written-policies.ts';

/** JSON has no undefined: absent fields are absent. */
const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const schema = JSON.parse(renderJsonSchema());

/** Values that stand in wrong places of mutated documents: some of them right elsewhere. */
const strays = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    '',
    '5',
    '1h',
    '50k',
    'Requests',
    'Hold',
    'user',
    [],
    {},
    [[]],
    { a: 1 },
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

type Place = { readonly parent: Record<string | number, unknown>; readonly key: string | number };

/** Every place below the root of a JSON document. */
function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  // JSON maps and lists are both read by key here.
  const parent = value as Record<string | number, unknown>;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn(parent[key])]);
}

const edits = fc.array(
  fc.record({
    at: fc.nat(),
    stray: strays,
    action: fc.constantFrom('replace', 'delete', 'add', 'rename', 'repeat'),
    field: fc.constantFrom(
      'window',
      'limit',
      'rates',
      'max',
      'budget',
      'tools',
      'spec',
      'when',
      'x',
      'constructor',
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

type Edit = typeof edits extends fc.Arbitrary<(infer E)[]> ? E : never;

function applyEdit(document: unknown, { at, stray, action, field }: Edit): void {
  const places = placesIn(document);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return;
  const { parent, key } = place;
  const old = parent[key];
  if (action === 'replace') parent[key] = stray;
  else if (Array.isArray(parent)) parent.splice(Number(key), 1, ...(action === 'repeat' ? [old, old] : []));
  else if (action === 'add') Object.assign(parent, { [field]: stray });
  else {
    if (action === 'rename') Object.assign(parent, { [`${key}s`]: old });
    Reflect.deleteProperty(parent, key);
  }
}

/** Valid documents with a few random edits: JSON of about the right shape. */
const mutants = fc.tuple(writtenPolicies, edits).map(([{ raw }, changes]) => {
  const document = toJson(raw);
  for (const change of changes) applyEdit(document, change);
  return toJson(document);
});

/** Our words, not those of the schema library, and no longer than promised. */
function isExplained({ path, value, message }: PolicyProblem): boolean {
  return (
    value.length <= 80 &&
    !path.includes('undefined') &&
    /^(must|is|has|needs|goes|does|not supported yet)/.test(message) &&
    !/Invalid|Too |Unrecognized|expected|undefined|\[object/.test(message)
  );
}

describe('parsePolicy', () => {
  it('returns what a valid policy means, whichever way it is written', () => {
    fc.assert(
      fc.property(writtenPolicies, fc.boolean(), ({ raw, meant }, asJson) => {
        const parsed = parsePolicy(asJson ? toJson(raw) : raw);
        expect(parsed.kind === 'valid' ? parsed.policy : parsed).toStrictEqual(meant);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a match exactly when no call can count', () => {
    fc.assert(
      fc.property(units, matches, (unit, match) => {
        const bound = unit === 'Concurrency' ? { rates: undefined, max: 5 } : {};
        const parsed = parsePolicy(withLimit({ unit, match, ...bound }));
        expect(parsed.kind).toBe(canCount(unit, match) ? 'valid' : 'invalid');
      }),
      { numRuns: 500 },
    );
  });

  it('explains every mutated policy in our words, or finds it valid', () => {
    let invalid = 0;
    fc.assert(
      fc.property(mutants, (document) => {
        const parsed = parsePolicy(document);
        if (parsed.kind === 'valid') return;
        invalid++;
        expect(parsed.problems).not.toEqual([]);
        expect(parsed.problems.filter((problem) => !isExplained(problem))).toEqual([]);
      }),
      { numRuns: 400 },
    );
    expect(invalid).toBeGreaterThan(100);
  });

  it('accepts nothing that the published JSON Schema refuses', () => {
    let refusedBySchema = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          mutants,
          writtenPolicies.map(({ raw }) => toJson(raw)),
        ),
        (document) => {
          const fits = fitsSchema(schema, document);
          if (!fits) refusedBySchema++;
          if (!fits) expect(parsePolicy(document).kind).toBe('invalid');
        },
      ),
      { numRuns: 400 },
    );
    expect(refusedBySchema).toBeGreaterThan(100);
  });

  it('reports an unknown field exactly once and exactly where it stands', () => {
    fc.assert(
      fc.property(writtenPolicies, fc.nat(), ({ raw }, at) => {
        const document = toJson(raw);
        const maps = placesIn(document)
          .map(({ parent, key }) => parent[key])
          .filter((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
        const map = maps[at % maps.length];
        // Labels have free keys, so nothing is unknown there.
        const labels = placesIn(document).find(({ key }) => key === 'matchLabels');
        fc.pre(map !== labels?.parent.matchLabels);
        Object.assign(map ?? {}, { zzz: 'here' });
        const parsed = parsePolicy(document);
        expect(parsed).toMatchObject({ kind: 'invalid', problems: [{ value: '"here"' }] });
        expect(problemsOf(parsed).map(({ path }) => path)).toEqual([
          expect.stringMatching(/^(metadata|spec(\.[A-Za-z]+(\[\d\])?)*)\.zzz$/),
        ]);
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          anything.map((spec) => ({ kind: 'RateLimitPolicy', spec })),
        ),
        (document) =>
          parsePolicy(document).kind === 'invalid' && parsePolicies([document, document]).length === 2,
      ),
      { numRuns: 500 },
    );
  });
});
