// Fields of a limit that are right by themselves and can do nothing beside its other fields. They are refused, so that
// nobody relies on them. What calls there are: those of kind LLM have a model, tokens and a price, and name no tool; those
// of kind HTTP may be tools, and have none of these.

import type { CallKind } from '../call.ts';
import { METERED_UNITS, type Unit } from '../unit.ts';
import { parseAmount } from './amount.ts';
import { type Finding, invalid, isMap, listOf, mapOf, type Path } from './finding.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Units of which every call costs one, whatever is set aside. */
const COUNTS: ReadonlySet<Unit> = new Set(['Requests', 'ToolCalls', 'Concurrency']);

/** Findings for what can have no effect in one limit as written; `unit` is undefined where it is not known. */
export function checkEffects(limit: Fields, unit: Unit | undefined, path: Path): Finding[] {
  return [
    ...checkMatch(mapOf(limit.match), unit, [...path, 'match']),
    ...checkReserve(limit.reserve, unit, [...path, 'reserve']),
    ...checkBesideZero(limit, unit, path),
  ];
}

function checkMatch(match: Fields, unit: Unit | undefined, path: Path): Finding[] {
  const findings: Finding[] = [];
  const isMetered = unit !== undefined && METERED_UNITS.has(unit);
  if (isMetered && match.tools !== undefined) {
    const message = `has no effect with unit ${unit}, which tools do not cost: remove it or count Requests`;
    findings.push(invalid([...path, 'tools'], message));
  } else if (match.tools !== undefined && hasOnly(match.kinds, ['LLM'])) {
    const message = 'has no effect without kind HTTP, of which all tools are: add HTTP or remove it';
    findings.push(invalid([...path, 'tools'], message));
  }
  if (isMetered && hasOnly(match.kinds, ['Tool', 'HTTP'])) {
    const message = `has nothing to count with unit ${unit}, which only calls of kind LLM cost: add LLM or count Requests`;
    findings.push(invalid([...path, 'kinds'], message));
  }
  if (match.models !== undefined && hasOnly(match.kinds, ['Tool', 'HTTP'])) {
    const message = 'has no effect without kind LLM, which alone has a model: add LLM or remove it';
    findings.push(invalid([...path, 'models'], message));
  } else if (match.models !== undefined && match.tools !== undefined) {
    const message = 'has no effect with tools, which have no model: write two limits';
    findings.push(invalid([...path, 'models'], message));
  }
  return findings;
}

/** Whether kinds are given, and all of them are of these. */
function hasOnly(kinds: unknown, these: readonly CallKind[]): boolean {
  const given = listOf(kinds);
  return given.length > 0 && given.every((kind) => these.some((each) => each === kind));
}

function checkReserve(reserve: unknown, unit: Unit | undefined, path: Path): Finding[] {
  if (reserve === undefined || unit === undefined || !COUNTS.has(unit)) return [];
  return [invalid(path, `has no effect with unit ${unit}, of which every call costs one: remove it`)];
}

/** What is said about calls that wait, or about use, where nothing can be used. */
function checkBesideZero(limit: Fields, unit: Unit | undefined, path: Path): Finding[] {
  const zero = zeroOf(limit, unit);
  if (zero === undefined) return [];
  const saysSomething = {
    onLimit: isMap(limit.onLimit) && Object.keys(limit.onLimit).length > 0,
    warnAt: listOf(limit.warnAt).length > 0,
  };
  return (['onLimit', 'warnAt'] as const)
    .filter((field) => saysSomething[field])
    .map((field) =>
      invalid([...path, field], `has no effect with ${zero}, which forbids every call: remove it`),
    );
}

/** The bound that lets nothing pass, as a person wrote it. */
function zeroOf(limit: Fields, unit: Unit | undefined): string | undefined {
  if (unit === 'Concurrency') return limit.max === 0 ? 'max 0' : undefined;
  const forbids = listOf(limit.rates).some((rate) => isZero(unit, mapOf(rate).limit));
  return forbids ? 'limit 0' : undefined;
}

function isZero(unit: Unit | undefined, raw: unknown): boolean {
  if (unit === undefined) return false;
  const amount = parseAmount(unit, raw);
  return amount.kind === 'amount' && amount.steps === 0;
}
