import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyTable, LOOK_ALIKE, NO_KEY } from '../../../sidecar/protocol/json-keys.ts';

const NAMES = ['model', 'n', 'user', 'messages', 'max_tokens', 'links'] as const;
const TABLE = new KeyTable(NAMES);

/** The index of a key that is written in a document as `written`. */
function find(written: string): number {
  const bytes = Buffer.from(`x"${written}"`);
  return TABLE.find(bytes, 2, bytes.length - 1);
}

/** A character as an escape, in either case of its digits. */
function escaped(character: string, upperCase: boolean): string {
  const digits = character.charCodeAt(0).toString(16).padStart(4, '0');
  return `\\u${upperCase ? digits.toUpperCase() : digits}`;
}

describe('a key', () => {
  it('is found however its letters are escaped', () => {
    const ways = fc.array(fc.constantFrom('plain', 'lower', 'upper'), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(fc.nat(NAMES.length - 1), ways, (index, way) => {
        const letters = [...(NAMES[index] ?? '')];
        const written = letters.map((letter, place) =>
          way[place] === 'plain' ? letter : escaped(letter, way[place] === 'upper'),
        );
        expect(find(written.join(''))).toBe(index);
      }),
    );
  });

  it('is never found where a decoded comparison does not find it', () => {
    const near = fc
      .constantFrom(...NAMES)
      .chain((name) =>
        fc
          .tuple(fc.nat(name.length), fc.nat(2), fc.string({ maxLength: 2 }))
          .map(([at, removed, inserted]) => name.slice(0, at) + inserted + name.slice(at + removed)),
      );
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (key) => {
        const twin = NAMES.indexOf(key as (typeof NAMES)[number]); // Any text may be looked for.
        const found = find(JSON.stringify(key).slice(1, -1));
        expect(found === LOOK_ALIKE ? NO_KEY : found).toBe(twin);
      }),
    );
  });

  it.each([
    ['another case', 'Model'],
    ['upper case', 'MAX_TOKENS'],
    ['one letter in upper case', 'maX_tokens'],
    ['another case in an escape', '\\u004dodel'],
    ['a long s, which Go takes for an s', 'meſſages'],
    ['a Kelvin sign, which Go takes for a k', 'lin\u212as'],
    ['a bad escape, which a lenient parser might repair', 'mode\\x6c'],
  ])('is a look-alike in %s', (_name, written) => {
    expect(find(written)).toBe(LOOK_ALIKE);
  });

  it.each([
    ['a longer key', 'models'],
    ['the empty key', ''],
    ['a key of the same length', 'modem'],
    ['upper case of another length', 'MO'],
    ['other letters', 'módel'],
    ['a key that is longer than any name in escapes', 'M'.repeat(1_000)],
  ])('is none of the names: %s', (_name, written) => {
    expect(find(written)).toBe(NO_KEY);
  });
});
