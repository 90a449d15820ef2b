import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OpenCall, OpenCalls } from '../../../sidecar/http-proxy/open-calls.ts';

describe('open calls', () => {
  it('are those that were added and not removed, in whatever order that happened', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(), { nil: undefined })), (removals) => {
        const calls = new OpenCalls<OpenCall>();
        const twin = new Set<OpenCall>();
        for (const which of removals) {
          const one = which === undefined ? undefined : [...twin][which % Math.max(1, twin.size)];
          if (one === undefined) {
            const added = { place: 0 };
            calls.add(added);
            twin.add(added);
          } else {
            calls.remove(one);
            twin.delete(one);
          }
          expect(calls.size).toBe(twin.size);
          expect(calls.all().filter((call) => twin.has(call))).toHaveLength(twin.size);
        }
      }),
    );
  });

  it('are removed once', () => {
    const calls = new OpenCalls<OpenCall>();
    const [first, second] = [{ place: 0 }, { place: 0 }];
    calls.add(first);
    calls.add(second);
    calls.remove(first);
    expect(() => calls.remove(first)).toThrow('not open');
    expect(calls.all()).toEqual([second]);
  });
});
