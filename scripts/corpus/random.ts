// A seeded source of choices, so that the corpus is the same on every machine.

/** Repeatable choices: the same seed gives the same sequence (mulberry32). */
export type Choices = {
  /** A whole number in [low, high]. */
  readonly between: (low: number, high: number) => number;
  /** One of the items. Throws when there is none. */
  readonly pick: <T>(items: readonly T[]) => T;
  /** A string of `length` characters out of `alphabet`. */
  readonly text: (alphabet: string, length: number) => string;
};

/** Choices from a seed. */
export function createChoices(seed: number): Choices {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const pick = <T>(items: readonly T[]): T => {
    const item = items[between(0, items.length - 1)];
    if (item === undefined) throw new Error('pick needs at least one item');
    return item;
  };
  const text = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet.charAt(between(0, alphabet.length - 1))).join('');
  return { between, pick, text };
}
