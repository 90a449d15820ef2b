import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Standing } from '../../../core/decide.ts';
import { appendLimitHeaders } from '../../../sidecar/http-proxy/limit-headers.ts';
import { createRule } from '../../core/sample-rules.ts';

type Given = { readonly limit: string; readonly usedPercent: number; readonly windowMs: number };

function toStanding({ limit, usedPercent, windowMs }: Given): Standing {
  const rule = createRule({ limit, warnAt: [80], shape: { capacity: 100, limit: 100, windowMs } });
  return { rule, remaining: 100 - usedPercent, usedPercent, resetMs: 10 * usedPercent };
}

function headersOf(given: readonly Given[]): string[] {
  const headers: string[] = [];
  appendLimitHeaders(headers, given.map(toStanding));
  return headers;
}

/** The names in the value of the header, in their order. */
function namesIn(headers: readonly string[], name: string): string[] {
  const value = headers[headers.indexOf(name) + 1] ?? '';
  return [...value.matchAll(/"policy\/([a-z]+)"/g)].map((match) => match[1] ?? '');
}

/** Sorts all, keeps the first of each name, cuts. */
function twin(given: readonly Given[]): string[] {
  const names = given.toSorted((a, b) => b.usedPercent - a.usedPercent).map(({ limit }) => limit);
  return [...new Set(names)].slice(0, 4);
}

describe('the limits of an answer', () => {
  it('adds nothing where no limit applies', () => {
    expect(headersOf([])).toEqual([]);
  });

  it('says of each limit what is left and when it is full again, and warns from its first band on', () => {
    const given = [
      { limit: 'calls', usedPercent: 10, windowMs: 60_000 },
      { limit: 'tokens', usedPercent: 90, windowMs: 3_600_000 },
    ];
    expect(headersOf(given)).toEqual([
      'ratelimit-policy',
      '"policy/tokens";q=100;qu="requests";w=3600, "policy/calls";q=100;qu="requests";w=60',
      'ratelimit',
      '"policy/tokens";r=10;t=1, "policy/calls";r=90;t=1',
      'flyball-warning',
      '"policy/tokens";used=90',
    ]);
  });

  it('says nothing of a time where slots are given back', () => {
    expect(headersOf([{ limit: 'slots', usedPercent: 50, windowMs: 0 }])).toEqual([
      'ratelimit-policy',
      '"policy/slots";q=100;qu="requests"',
      'ratelimit',
      '"policy/slots";r=50',
    ]);
  });

  it('names each limit once, by its tightest window, the tightest four in their order', () => {
    const given = fc.record({
      limit: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      usedPercent: fc.nat({ max: 12 }),
      windowMs: fc.constantFrom(1_000, 60_000),
    });
    fc.assert(
      fc.property(fc.array(given, { minLength: 1, maxLength: 12 }), (limits) => {
        const headers = headersOf(limits);
        expect(namesIn(headers, 'ratelimit')).toEqual(twin(limits));
        expect(namesIn(headers, 'ratelimit-policy')).toEqual(twin(limits));
      }),
    );
  });
});
