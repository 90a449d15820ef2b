import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinePlaces, LineRing } from '../../sidecar/line-ring.ts';

describe('a ring of lines', () => {
  it('keeps the newest lines and forgets the others by count', () => {
    const ring = new LineRing(10_000);
    const places = new LinePlaces(3);
    for (let sequence = 0; sequence < 5; sequence += 1) ring.put(`line ${sequence}`, sequence, places);
    const found = [0, 1, 2, 3, 4, 5].map((sequence) => ring.get(sequence, places));
    expect(found).toEqual(['', '', 'line 2', 'line 3', 'line 4', '']);
  });

  it('forgets the oldest lines when newer ones need their bytes', () => {
    const ring = new LineRing(100);
    const places = new LinePlaces(1_000);
    for (let sequence = 0; sequence < 1_000; sequence += 1) ring.put(`line ${sequence}`, sequence, places);
    const found = Array.from({ length: 1_000 }, (_, sequence) => ring.get(sequence, places)).filter(
      (line) => line !== '',
    );
    expect(found.length).toBeGreaterThanOrEqual(8);
    expect(found).toEqual(
      Array.from({ length: found.length }, (_, at) => `line ${1_000 - found.length + at}`),
    );
  });

  it('does not let a line that comes late push out a newer one', () => {
    const ring = new LineRing(10_000);
    const places = new LinePlaces(3);
    ring.put('newer', 4, places);
    ring.put('late', 1, places);
    expect([ring.get(4, places), ring.get(1, places)]).toEqual(['newer', '']);
  });

  it('leaves out a line that cannot fit', () => {
    const ring = new LineRing(30);
    const places = new LinePlaces(3);
    ring.put('short', 0, places);
    ring.put('x'.repeat(11), 1, places);
    expect([ring.get(0, places), ring.get(1, places)]).toEqual(['short', '']);
  });

  it('returns each line whole or not at all, and always the newest', () => {
    const text = fc
      .array(fc.constantFrom('a', 'é', '東', '😀'), { maxLength: 12 })
      .map((parts) => parts.join(''));
    const put = fc.record({ kind: fc.nat({ max: 1 }), text, step: fc.integer({ min: -1, max: 2 }) });
    fc.assert(
      fc.property(fc.array(put, { minLength: 40, maxLength: 120, size: 'max' }), (puts) => {
        const ring = new LineRing(200);
        const kinds = [createTwin(), createTwin()];
        let sequence = 0;
        for (const { kind, text: line, step } of puts) {
          sequence = Math.max(0, sequence + step);
          const twin = kinds[kind] ?? createTwin();
          ring.put(line, sequence, twin.places);
          twin.put(line, sequence);
          for (const each of kinds) each.check(ring);
        }
      }),
    );
  });
});

const TWIN_CAPACITY = 7;

/** Everything that was ever put under a sequence, and which of it must still be there. */
function createTwin() {
  const places = new LinePlaces(TWIN_CAPACITY);
  const lines = new Map<number, string>();
  let newest: number | undefined;
  return {
    places,
    put(line: string, sequence: number): void {
      const isLate = [...lines.keys()].some(
        (known) => known > sequence && known % TWIN_CAPACITY === sequence % TWIN_CAPACITY,
      );
      newest = isLate ? undefined : sequence;
      if (!isLate) lines.set(sequence, line);
    },
    check(ring: LineRing): void {
      for (const [sequence, line] of lines) expect(['', line]).toContain(ring.get(sequence, places));
      if (newest !== undefined) expect(ring.get(newest, places)).toBe(lines.get(newest));
      newest = undefined;
    },
  };
}
