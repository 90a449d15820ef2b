// Rules across the fields of a document. They read the document as written, so that they still run where other
// fields are wrong, and they stay silent about what is missing or misshapen: the shape check reports that.

import { POLICY_KINDS, type PolicyKind } from './description.ts';
import { type Finding, invalid, isMap, listOf, mapOf } from './finding.ts';
import { checkLimit } from './limit-rules.ts';
import { hintFor, oneOf } from './shape.ts';

/** All findings of the rules in plain data that should be a policy. */
export function checkRules(document: Readonly<Record<string, unknown>>): Finding[] {
  const spec = mapOf(document.spec);
  const limits = listOf(spec.limits);
  return [
    ...checkKind(document.kind),
    ...checkPurpose(document.spec),
    ...limits.flatMap((limit, position) =>
      isMap(limit) ? checkLimit(limit, ['spec', 'limits', position]) : [],
    ),
    ...checkNames(limits),
  ];
}

/** The kind that a document is checked as; anything unknown is checked as the usual one. */
export function kindOf(document: Readonly<Record<string, unknown>>): PolicyKind {
  return POLICY_KINDS.find((kind) => kind === document.kind) ?? 'RateLimitPolicy';
}

function checkKind(kind: unknown): Finding[] {
  if (kind === undefined || POLICY_KINDS.some((known) => known === kind)) return [];
  return [invalid(['kind'], `must be ${oneOf(POLICY_KINDS)}${hintFor(POLICY_KINDS, kind)}`)];
}

/** For each field that can give a policy a purpose: whether this value, which may have any shape, is as good as none. */
const IDLE: Readonly<Record<string, (value: unknown) => boolean>> = {
  limits: (value) => value === undefined,
  restrictedTools: (value) => value === undefined || (Array.isArray(value) && value.length === 0),
  allowedTools: (value) => value === undefined || listOf(value).includes('*'),
  adaptive: (value) => value === undefined,
  longRunning: (value) => value === undefined,
  anomaly: (value) =>
    value === undefined || (isMap(value) && (value.action === undefined || value.action === 'Off')),
};

function checkPurpose(spec: unknown): Finding[] {
  if (!isMap(spec) || Object.entries(IDLE).some(([name, isIdle]) => !isIdle(spec[name]))) return [];
  return [invalid(['spec'], 'has nothing to enforce: give limits, restrictedTools or allowedTools')];
}

function checkNames(limits: readonly unknown[]): Finding[] {
  const firstByName = new Map<string, number>();
  return limits.flatMap((limit, position) => {
    const name = mapOf(limit).name;
    if (typeof name !== 'string') return [];
    const first = firstByName.get(name);
    if (first === undefined) {
      firstByName.set(name, position);
      return [];
    }
    const message = `is the name of spec.limits[${first}] too: give each limit its own name`;
    return [invalid(['spec', 'limits', position, 'name'], message)];
  });
}
