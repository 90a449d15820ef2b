// From a checked policy as written to the form that the rest of the core uses. Nothing here can fail on a policy
// that passed the checks; if it does, a check is missing, and that is thrown.

import { KEY_PARTS } from '../call.ts';
import type { Unit } from '../unit.ts';
import { parseAmount } from './amount.ts';
import type { FilledLimit, FilledPolicy } from './description.ts';
import { parseDuration } from './duration.ts';
import type { Bound, Limit, Match, Mode, OnLimit, Policy, Rate } from './policy.ts';

type FilledRate = NonNullable<FilledLimit['rates']>[number];

/** The valid policy; throws when `filled` breaks a rule that the parser should have found. */
export function buildPolicy({ metadata, spec }: FilledPolicy): Policy {
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    matchLabels: spec.selector.matchLabels,
    mode: spec.mode,
    limits: (spec.limits ?? []).map((limit) => buildLimit(limit, spec.mode)),
    restrictedTools: spec.restrictedTools,
    allowedTools: spec.allowedTools,
  };
}

function buildLimit(limit: FilledLimit, policyMode: Mode): Limit {
  return {
    name: limit.name,
    match: buildMatch(limit.match),
    per: KEY_PARTS.filter((part) => limit.per.includes(part)),
    unit: limit.unit,
    bound: buildBound(limit),
    reserve: limit.reserve ?? (limit.unit === 'USD' ? 'Strict' : 'Learned'),
    onLimit: buildOnLimit(limit.onLimit),
    warnAt: limit.warnAt.toSorted((a, b) => a - b),
    mode: limit.mode ?? policyMode,
  };
}

function buildMatch({ kinds, tools, models, upstreams }: FilledLimit['match']): Match {
  return {
    ...(kinds === undefined ? {} : { kinds }),
    ...(tools === undefined ? {} : { tools }),
    ...(models === undefined ? {} : { models }),
    ...(upstreams === undefined ? {} : { upstreams }),
  };
}

function buildBound({ max, rates, unit }: FilledLimit): Bound {
  if (max !== undefined) return { kind: 'max', max };
  if (rates === undefined) throw new Error('a limit without max and rates passed the checks');
  return { kind: 'rates', rates: rates.map((rate) => buildRate(rate, unit)) };
}

function buildRate({ limit, window, burst }: FilledRate, unit: Unit): Rate {
  return { limit: steps(unit, limit), windowMs: milliseconds(window), burst: steps(unit, burst ?? limit) };
}

function buildOnLimit({ action, maxWait }: FilledLimit['onLimit']): OnLimit {
  return action === 'Deny' ? { kind: 'Deny' } : { kind: 'Hold', maxWaitMs: milliseconds(maxWait) };
}

function steps(unit: Unit, raw: string | number): number {
  const amount = parseAmount(unit, raw);
  if (amount.kind === 'invalid') throw new Error('an amount that cannot be read passed the checks');
  return amount.steps;
}

function milliseconds(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined) throw new Error('a duration that cannot be read passed the checks');
  return durationMs;
}
