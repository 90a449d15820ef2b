// Does a document have the described shape? Every mismatch becomes a finding in our own words: the schema library
// decides what is wrong, never how it is said.

import type { core } from 'zod/mini';
import { DESCRIPTIONS, type FilledPolicy, type PolicyKind } from './description.ts';
import { didYouMean } from './did-you-mean.ts';
import { explainUnknownField, fieldsAt, placeOf } from './fields.ts';
import { type Finding, invalid, type Path, valueAt } from './finding.ts';
import { MAX_PROBLEMS } from './problem.ts';

/** `filled` has every fixed default in place; it is undefined when there are findings or for a cluster policy. */
export type Shape = { readonly findings: readonly Finding[]; readonly filled: FilledPolicy | undefined };

/** Compares plain data with the description of `kind`: at most one finding for each place. */
export function checkShape(kind: PolicyKind, data: unknown): Shape {
  if (kind === 'RateLimitPolicy') {
    const result = DESCRIPTIONS.RateLimitPolicy.safeParse(data);
    if (result.success) return { findings: [], filled: result.data };
    return { findings: explainAll(kind, data, result.error.issues), filled: undefined };
  }
  const result = DESCRIPTIONS[kind].safeParse(data);
  return { findings: explainAll(kind, data, result.error?.issues ?? []), filled: undefined };
}

function explainAll(kind: PolicyKind, data: unknown, issues: readonly core.$ZodIssue[]): Finding[] {
  return issues.flatMap((issue) => {
    // Symbols cannot be keys of plain data.
    const path = issue.path.filter((key) => typeof key !== 'symbol');
    if (issue.code === 'unrecognized_keys') return explainUnknownFields(kind, path, issue.keys);
    return [invalid(path, explainIssue(kind, issue, path, valueAt(data, path)))];
  });
}

function explainUnknownFields(kind: PolicyKind, path: Path, names: readonly string[]): Finding[] {
  const place = placeOf(path);
  // Later fields of the map can never be among the problems that are spelled out.
  const explain = (name: string, position: number) =>
    position < MAX_PROBLEMS ? explainUnknownField(kind, place, name) : 'is not a field here';
  return names.map((name, position) => invalid([...path, name], explain(name, position)));
}

function explainIssue(kind: PolicyKind, issue: core.$ZodIssue, path: Path, value: unknown): string {
  const form = formOf(kind, issue, path);
  if (value === undefined) return `is required: write ${form}`;
  if (value === null) return `must be ${form}, not empty: give a value or remove the field`;
  if (issue.code === 'invalid_key') return `has a bad key: write ${form}`;
  return `must be ${form}${issue.code === 'invalid_value' ? hintFor(issue.values, value) : ''}`;
}

/** A noun phrase for what belongs at the place of an issue. */
function formOf(kind: PolicyKind, issue: core.$ZodIssue, path: Path): string {
  if (issue.code === 'invalid_value') return oneOf(issue.values);
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (issue.code !== 'invalid_type') return issue.message;
  if (issue.expected === 'record') return 'a map of strings';
  if (issue.expected === 'object') return `a map with the fields ${fieldsAt(kind, placeOf(path)).join(', ')}`;
  return issue.message;
}

/** `A`, `A or B`, `one of A, B, C`. */
export function oneOf(values: readonly unknown[]): string {
  return values.length <= 2 ? values.join(' or ') : `one of ${values.join(', ')}`;
}

/** A guess at which of `values` was meant; '' without one and where there is no choice. */
export function hintFor(values: readonly unknown[], value: unknown): string {
  const names = values.map(String);
  if (value === false && names.includes('Off')) return ': quote it as "Off", which YAML 1.1 reads as false';
  if (typeof value !== 'string' || values.length < 2) return '';
  const near = didYouMean(value, names);
  return near === undefined ? '' : `: did you mean ${near}?`;
}
