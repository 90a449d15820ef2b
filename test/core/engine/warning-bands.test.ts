import { describe, expect, it } from 'vitest';
import { WarningBands } from '../../../core/engine/warning-bands.ts';

describe('WarningBands', () => {
  it.each([
    [
      'a band is reached once',
      [40, 50, 60, 79, 80, 99, 100],
      [undefined, 50, undefined, undefined, 80, 95, undefined],
    ],
    ['bands that are jumped over are not reported', [10, 97], [undefined, 95]],
    ['a bucket that recovered below a band reports it again', [85, 60, 85], [80, undefined, 80]],
    ['a bucket that recovered below all bands starts anew', [50, 10, 50], [50, undefined, 50]],
  ])('%s', (_rule, used, expected) => {
    const bands = new WarningBands();
    expect(used.map((percent) => bands.reach(7, [50, 80, 95], percent))).toEqual(expected);
  });

  it('keeps buckets apart', () => {
    const bands = new WarningBands();
    expect([bands.reach(1, [50], 60), bands.reach(2, [50], 60)]).toEqual([50, 50]);
  });
});
