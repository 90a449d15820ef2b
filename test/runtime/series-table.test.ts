import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeriesTable } from '../../runtime/series-table.ts';

const LABELS = { policy: 'open', outcome: ['allow', 'deny'], limit: 'open' } as const;

function createTable(maxSeries: number): SeriesTable<typeof LABELS, { value: number }> {
  return new SeriesTable(LABELS, maxSeries, () => ({ value: 0 }));
}

describe('a table of series', () => {
  it('gives the same series for the same values and another for others', () => {
    const table = createTable(10);
    const series = table.at({ policy: 'a', outcome: 'allow', limit: 'x' });
    expect(table.at({ limit: 'x', outcome: 'allow', policy: 'a' })).toBe(series);
    expect(table.at({ policy: 'a', outcome: 'deny', limit: 'x' })).not.toBe(series);
    expect(table.at({ policy: 'x', outcome: 'allow', limit: 'a' })).not.toBe(series);
  });

  it('shares one series per closed value beyond its bound, and stays at that size', () => {
    const table = createTable(3);
    for (let n = 0; n < 1_000; n += 1) {
      table.at({ policy: `p${n}`, outcome: n % 2 === 0 ? 'allow' : 'deny', limit: 'x' }).value += 1;
    }
    expect(table.entries().map(({ labels, series }) => ({ ...labels, value: series.value }))).toEqual([
      { policy: 'p0', outcome: 'allow', limit: 'x', value: 1 },
      { policy: 'p1', outcome: 'deny', limit: 'x', value: 1 },
      { policy: 'p2', outcome: 'allow', limit: 'x', value: 1 },
      { policy: 'other', outcome: 'deny', limit: 'other', value: 499 },
      { policy: 'other', outcome: 'allow', limit: 'other', value: 498 },
    ]);
  });

  it('counts a value that is really called other together with the overflow', () => {
    const table = createTable(1);
    table.at({ policy: 'other', outcome: 'allow', limit: 'other' }).value += 1;
    table.at({ policy: 'p', outcome: 'allow', limit: 'x' }).value += 1;
    expect(table.entries()).toEqual([
      { labels: { policy: 'other', outcome: 'allow', limit: 'other' }, series: { value: 2 } },
    ]);
  });

  it('makes one series of values that print the same, and shortens long ones', () => {
    const table = createTable(10);
    const series = table.at({ policy: 'a\u0000b', outcome: 'allow', limit: 'y'.repeat(500) });
    expect(table.at({ policy: 'ab', outcome: 'allow', limit: 'y'.repeat(600) })).toBe(series);
    expect(table.entries()[0]?.labels.limit).toHaveLength(128);
  });

  it('does what a map of joined values does, whatever is counted', () => {
    const value = fc.integer({ min: 0, max: 7 }).map((n) => `v${n}`);
    const record = fc.record({
      policy: value,
      outcome: fc.constantFrom('allow' as const, 'deny' as const),
      limit: value,
    });
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 80, size: 'max' }),
        fc.integer({ min: 0, max: 20 }),
        (records, max) => {
          const table = createTable(max);
          const twin = new Map<string, number>();
          for (const { policy, outcome, limit } of records) {
            table.at({ policy, outcome, limit }).value += 1;
            const own = [policy, outcome, limit].join();
            const key = twin.has(own) || twin.size < max ? own : ['other', outcome, 'other'].join();
            twin.set(key, (twin.get(key) ?? 0) + 1);
          }
          const counted = table
            .entries()
            .map(({ labels, series }) => [Object.values(labels).join(), series.value]);
          expect(counted).toEqual([...twin]);
        },
      ),
    );
  });
});
