// What is valid but probably not what the author meant.

import type { Policy, Rate } from './policy.ts';

/** One sentence for each doubt about a valid policy. */
export function findWarnings(policy: Policy): string[] {
  return [...warnAboutBursts(policy), ...warnAboutKeys(policy)];
}

function warnAboutBursts({ limits }: Policy): string[] {
  return limits.flatMap(({ bound }, position) => {
    if (bound.kind !== 'rates') return [];
    return bound.rates.flatMap((rate, rateAt) => {
      if (!isShort(rate)) return [];
      const path = `spec.limits[${position}].rates[${rateAt}].burst`;
      return [
        `${path} is less than half a second of the rate: the limit will be served by borrowing; raise burst`,
      ];
    });
  });
}

/** Holds less than what the rate gives back in half a second. */
function isShort({ limit, windowMs, burst }: Rate): boolean {
  return burst * windowMs < limit * 500;
}

/** User and session are said by the caller, so a limit that counts each of them apart does not bound the agent. */
function warnAboutKeys({ limits }: Policy): string[] {
  const bounded = limits.some(({ per }) => !per.includes('user') && !per.includes('session'));
  if (limits.length === 0 || bounded) return [];
  return [
    'every limit counts each user or session apart: an agent with N of them can spend N times the limits; ' +
      'add a limit whose per has neither user nor session',
  ];
}
