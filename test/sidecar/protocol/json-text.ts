// JSON documents for property tests: any value, spaced and escaped in any way that means the same.

import fc from 'fast-check';

const SPACES = ['', '', '', ' ', '\n', '\t \r\n'];

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A well-formed document as text. With `plainStrings` no string needs an escape and all is ASCII. */
export function jsonText({ plainStrings = false } = {}): fc.Arbitrary<string> {
  const string = plainStrings
    ? fc.stringMatching(/^[a-z0-9 {}[\],:]{0,8}$/)
    : fc.string({ unit: 'binary', maxLength: 8 });
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom(null, true, false),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      string,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(string, tie('value'), { maxKeys: 4 }),
    ),
  }));
  return fc.tuple(value, fc.infiniteStream(fc.constantFrom(...SPACES))).map(([document, spaces]) => {
    const space = () => spaces.next().value ?? '';
    return space() + write(document, space) + space();
  });
}

function write(value: Json, space: () => string): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  // isArray does not narrow read-only arrays.
  const isArray = Array.isArray as (each: unknown) => each is readonly Json[];
  const elements = isArray(value)
    ? value.map((each) => write(each, space))
    : Object.entries(value).map(
        ([key, each]) => `${JSON.stringify(key)}${space()}:${space()}${write(each, space)}`,
      );
  const inside = elements.map((each) => space() + each + space()).join(',');
  return Array.isArray(value) ? `[${inside}${space()}]` : `{${inside}${space()}}`;
}
