// Rules inside one limit: which bound goes with which unit, and what amounts and durations mean.

import { UNITS, type Unit } from '../unit.ts';
import { parseAmount } from './amount.ts';
import { parseDuration } from './duration.ts';
import { checkEffects } from './effect-rules.ts';
import { type Finding, invalid, listOf, mapOf, type Path } from './finding.ts';

type Fields = Readonly<Record<string, unknown>>;

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const BOUNDS = ['rates', 'budget', 'max'] as const;

/** All findings of the rules in one limit as written; `path` is where it stands. */
export function checkLimit(limit: Fields, path: Path): Finding[] {
  const unit = UNITS.find((known) => known === limit.unit);
  const match = mapOf(limit.match);
  return [
    ...checkBounds(limit, path),
    ...(unit === undefined ? [] : checkUnit(limit, unit, path)),
    ...checkRates(listOf(limit.rates), unit, [...path, 'rates']),
    ...checkBudget(mapOf(limit.budget), unit, [...path, 'budget']),
    ...checkOnLimit(mapOf(limit.onLimit), [...path, 'onLimit']),
    ...checkRepeats(limit.per, [...path, 'per']),
    ...checkRepeats(limit.warnAt, [...path, 'warnAt']),
    ...checkRepeats(match.kinds, [...path, 'match', 'kinds']),
    ...checkEffects(limit, unit, path),
  ];
}

function checkBounds(limit: Fields, path: Path): Finding[] {
  const given = BOUNDS.filter((bound) => limit[bound] !== undefined);
  if (given.length === 1) return [];
  if (given.length > 1) {
    return [invalid(path, `has ${given.join(' and ')}: keep exactly one of rates, budget and max`)];
  }
  const wanted = limit.unit === 'Concurrency' ? 'max' : 'rates';
  return [invalid(path, `needs exactly one of rates, budget and max: add ${wanted}`)];
}

function checkUnit(limit: Fields, unit: Unit, path: Path): Finding[] {
  if (unit !== 'Concurrency') {
    if (limit.max === undefined) return [];
    return [invalid([...path, 'max'], `goes only with unit Concurrency: give rates for ${unit}`)];
  }
  return BOUNDS.filter((bound) => bound !== 'max' && limit[bound] !== undefined).map((bound) =>
    invalid(
      [...path, bound],
      'does not go with unit Concurrency: give max, the number of calls at the same time',
    ),
  );
}

function checkRates(rates: readonly unknown[], unit: Unit | undefined, path: Path): Finding[] {
  const firstByWindow = new Map<number, number>();
  return rates.flatMap((raw, position) => {
    const rate = mapOf(raw);
    const at = [...path, position];
    return [
      ...checkWindow(rate.window, [...at, 'window'], { firstByWindow, position }),
      ...(unit === undefined || unit === 'Concurrency' ? [] : checkRateAmounts(rate, unit, at)),
    ];
  });
}

type WindowsSeen = { readonly firstByWindow: Map<number, number>; readonly position: number };

function checkWindow(window: unknown, path: Path, { firstByWindow, position }: WindowsSeen): Finding[] {
  const windowMs = typeof window === 'string' ? parseDuration(window) : undefined;
  if (windowMs === undefined) return [];
  if (windowMs < SECOND_MS || windowMs > 744 * HOUR_MS) return [invalid(path, 'must be from 1s to 744h')];
  const first = firstByWindow.get(windowMs);
  if (first !== undefined) {
    return [
      invalid(path, `is the window of rates[${first}] too: keep one of the two rates or change its window`),
    ];
  }
  firstByWindow.set(windowMs, position);
  return [];
}

function checkRateAmounts(rate: Fields, unit: Unit, path: Path): Finding[] {
  const findings = [...checkAmount(rate, 'limit', unit, path), ...checkAmount(rate, 'burst', unit, path)];
  const limit = parseAmount(unit, rate.limit);
  const burst = parseAmount(unit, rate.burst);
  if (limit.kind === 'invalid' || burst.kind === 'invalid') return findings;
  if (limit.steps === 0 && burst.steps > 0) {
    findings.push(
      invalid([...path, 'burst'], 'has no effect with limit 0, which forbids every call: remove burst'),
    );
  }
  if (limit.steps > 0 && burst.steps === 0) {
    findings.push(
      invalid([...path, 'burst'], 'must be above 0, or no call ever fits: to forbid calls write limit: 0'),
    );
  }
  return findings;
}

function checkAmount(fields: Fields, name: string, unit: Unit, path: Path): Finding[] {
  const raw = fields[name];
  if (typeof raw !== 'string' && typeof raw !== 'number') return [];
  const amount = parseAmount(unit, raw);
  return amount.kind === 'invalid' ? [invalid([...path, name], amount.message)] : [];
}

function checkBudget(budget: Fields, unit: Unit | undefined, path: Path): Finding[] {
  const timeZone = budget.timeZone;
  const known = typeof timeZone !== 'string' || isTimeZone(timeZone);
  return [
    ...(unit === undefined || unit === 'Concurrency' ? [] : checkAmount(budget, 'limit', unit, path)),
    ...(known
      ? []
      : [invalid([...path, 'timeZone'], 'must be an IANA time zone such as Europe/Paris or UTC')]),
  ];
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function checkOnLimit(onLimit: Fields, path: Path): Finding[] {
  const maxWait = onLimit.maxWait;
  if (maxWait === undefined) return [];
  if (onLimit.action === 'Deny') {
    return [invalid([...path, 'maxWait'], 'has no effect with action Deny: remove it or write action: Hold')];
  }
  const waitMs = typeof maxWait === 'string' ? parseDuration(maxWait) : undefined;
  if (waitMs === undefined || (waitMs >= 1 && waitMs <= 60 * SECOND_MS)) return [];
  return [invalid([...path, 'maxWait'], 'must be from 1ms to 60s: to refuse at once write action: Deny')];
}

function checkRepeats(list: unknown, path: Path): Finding[] {
  const items = listOf(list);
  return items.flatMap((item, position) => {
    if (items.indexOf(item) === position || typeof item === 'object') return [];
    return [invalid([...path, position], 'is in the list twice: remove one')];
  });
}
