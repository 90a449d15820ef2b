import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, editDistance } from '../../../core/policy/did-you-mean.ts';
import { UNITS } from '../../../core/unit.ts';

/** The recurrence of the restricted Damerau-Levenshtein distance, word for word. */
function dumbDistance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [lastA, lastB] = [a.at(-1), b.at(-1)];
  const distances = [
    dumbDistance(a.slice(0, -1), b) + 1,
    dumbDistance(a, b.slice(0, -1)) + 1,
    dumbDistance(a.slice(0, -1), b.slice(0, -1)) + (lastA === lastB ? 0 : 1),
  ];
  if (a.length > 1 && b.length > 1 && lastA === b.at(-2) && a.at(-2) === lastB) {
    distances.push(dumbDistance(a.slice(0, -2), b.slice(0, -2)) + 1);
  }
  return Math.min(...distances);
}

describe('editDistance', () => {
  it('agrees with its recurrence on every pair of words', () => {
    const word = fc
      .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 })
      .map((letters) => letters.join(''));
    fc.assert(fc.property(word, word, (a, b) => editDistance(a, b) === dumbDistance(a, b)));
  });
});

describe('didYouMean', () => {
  it.each([
    ['outputTokens', 'OutputTokens'],
    ['output_tokens', 'OutputTokens'],
    ['OUTPUT-TOKENS', 'OutputTokens'],
    ['OuptutTokens', 'OutputTokens'],
    ['Request', 'Requests'],
    ['concurency', 'Concurrency'],
    ['usd', 'USD'],
    ['US', 'USD'],
  ])('takes %s for %s', (word, meant) => {
    expect(didYouMean(word, UNITS)).toBe(meant);
  });

  it.each([
    '',
    'dollars',
    'Sessions',
    'x',
    'x'.repeat(1_000_000),
  ])('has no guess for a word that is near none: %.20s', (word) => {
    expect(didYouMean(word, UNITS)).toBeUndefined();
  });

  it('prefers the nearer candidate, and the earlier of two that are equally near', () => {
    expect(didYouMean('rate', ['rafts', 'rates'])).toBe('rates');
    expect(didYouMean('cat', ['bat', 'hat'])).toBe('bat');
  });

  it('counts no more edits than it is allowed', () => {
    expect(didYouMean('warn', ['warnAt'], 1)).toBeUndefined();
    expect(didYouMean('warn', ['warnAt'])).toBe('warnAt');
  });
});
