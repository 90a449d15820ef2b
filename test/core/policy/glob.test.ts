import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../core/policy/glob.ts';

/** A glob by its definition: exponential, and obviously right. */
function dumbMatch(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  const [first, rest] = [glob[0], glob.slice(1)];
  if (first === '*') return dumbMatch(rest, text) || (text !== '' && dumbMatch(glob, text.slice(1)));
  return text !== '' && (first === '?' || first === text[0]) && dumbMatch(rest, text.slice(1));
}

describe('matchesGlob', () => {
  it.each([
    ['*', ''],
    ['*', 'anything/at all'],
    ['gpt-4*', 'gpt-4'],
    ['gpt-4*', 'gpt-4o-mini'],
    ['db_*', 'db_drop'],
    ['*_file', 'delete_file'],
    ['a?c', 'abc'],
    ['a*b*c', 'aXbYbZc'],
    ['**', 'x'],
    ['a.c', 'a.c'],
    ['*?', 'x'],
    ['a*a', 'aa'],
  ])('%s matches %j', (glob, text) => {
    expect(matchesGlob(glob, text)).toBe(true);
  });

  it.each([
    ['', 'a'],
    ['gpt-4', 'gpt-4o'],
    ['gpt-4*', 'my-gpt-4'],
    ['GPT-4*', 'gpt-4o'],
    ['a?c', 'ac'],
    ['a.c', 'abc'],
    ['*?', ''],
    ['a*a', 'a'],
    ['*ab', 'aba'],
    ['[ab]', 'a'],
  ])('%s does not match %j', (glob, text) => {
    expect(matchesGlob(glob, text)).toBe(false);
  });

  it('agrees with the definition on every glob and text', () => {
    const glob = fc
      .array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 })
      .map((parts) => parts.join(''));
    const text = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 10 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        glob,
        text,
        (pattern, subject) => matchesGlob(pattern, subject) === dumbMatch(pattern, subject),
      ),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['many stars', '*a'.repeat(63)],
    ['one star before a long tail', `*${'a'.repeat(126)}b`],
    ['question marks', `*${'?'.repeat(126)}b`],
  ])('does not blow up on %s', (_, glob) => {
    // Reads of the text count the steps: no clock, so the bound holds on every machine.
    let reads = 0;
    const text = 'a'.repeat(2_000);
    const counted = new Proxy(new String(text), {
      get: (target, key) => {
        if (key !== 'length') reads++;
        return Reflect.get(target, key, target);
      },
    });
    // The proxy stands in for a string: the matcher only reads its length and its characters.
    expect(matchesGlob(glob, counted as unknown as string)).toBe(glob.endsWith('a'));
    expect(reads).toBeLessThanOrEqual(glob.length * text.length);
  });
});
