import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MUTANT_PARTS } from '../../scripts/mutants/all.ts';

const ROOT = new URL('../../', import.meta.url);
const MUTANTS = MUTANT_PARTS.flatMap(({ mutants }) => mutants);

describe('a planted fault', () => {
  it.each(MUTANTS)('$id replaces text that stands in its file exactly once', ({
    file,
    find,
    replace,
    tests,
  }) => {
    expect(readFileSync(new URL(file, ROOT), 'utf8').split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
    for (const test of tests) expect(existsSync(new URL(test, ROOT)), test).toBe(true);
  });

  it('has a name of its own', () => {
    expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length);
  });

  it('is there for the engine, the parser, the signals and the protocol readers', () => {
    const counts = MUTANT_PARTS.map(({ mutants }) => mutants.length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(6);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(34);
  });
});
