import { describe, expect, it } from 'vitest';
import { createDecisionIds, isDecisionId, toSequence } from '../../sidecar/decision-id.ts';

const WALL_MS = 1_764_000_000_000;

describe('decision ids', () => {
  it('have 26 characters of the alphabet of ULIDs, never twice, and sort as they were made', () => {
    const ids = createDecisionIds(WALL_MS);
    const made = Array.from({ length: 5_000 }, () => ids.next());
    expect(made.every((id) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id) && isDecisionId(id))).toBe(true);
    expect(new Set(made).size).toBe(made.length);
    expect(made.toSorted()).toEqual(made);
  });

  it('say when their process started, as a ULID does', () => {
    // 1764000000000 in base 32 (0-9 A-V), rewritten in the alphabet of ULIDs.
    const time = [...WALL_MS.toString(32)].map(
      (digit) => '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[parseInt(digit, 32)],
    );
    expect(createDecisionIds(WALL_MS).next().slice(0, 10)).toBe(time.join('').padStart(10, '0'));
  });

  it('differ between processes that started together', () => {
    const first = new Set(Array.from({ length: 20 }, () => createDecisionIds(WALL_MS).next()));
    expect(first.size).toBe(20);
  });

  it('say how many came before', () => {
    const ids = createDecisionIds(WALL_MS, 2 ** 40 - 1);
    const sequences = Array.from({ length: 3_000 }, () => toSequence(ids.next()));
    expect(sequences).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
    expect(toSequence('0000000000000000000000000Z')).toBe(31);
    expect(toSequence('000000000000000000ZZZZZZZZ')).toBe(32 ** 8 - 1);
  });

  it.each([
    '',
    'x',
    '0123456789ABCDEFGHJKMNPQRI',
    '0'.repeat(25),
    '0'.repeat(27),
    `${'0'.repeat(25)}\n`,
    '日'.repeat(26),
  ])('are not "%s", which still has a number', (text) => {
    expect(isDecisionId(text)).toBe(false);
    expect(Number.isInteger(toSequence(text))).toBe(true);
  });
});
