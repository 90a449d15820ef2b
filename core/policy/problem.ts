// Findings in the words of a person: path and value as text, in the order of the document, and not too many of them.

import { type Finding, isMap, type Path, valueAt } from './finding.ts';
import type { PolicyProblem } from './policy.ts';

/** Problems that are spelled out; what is beyond is counted in one last problem. */
export const MAX_PROBLEMS = 100;
const MAX_VALUE_LENGTH = 80;
const MAX_PLAIN_KEY_LENGTH = 64;
const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/**
 * Problems for `findings` about `data` (a plain copy), sorted by their place in the document; what is missing stands
 * before the fields that are there. More than MAX_PROBLEMS end in "and N more problems".
 */
export function toProblems(findings: readonly Finding[], data: unknown): PolicyProblem[] {
  const placeOf = createPlaces(data);
  const sorted = findings
    .map((finding) => ({ finding, place: placeOf(finding.path) }))
    .sort((a, b) => comparePlaces(a.place, b.place))
    .map(({ finding }) => finding);
  const problems = sorted.slice(0, MAX_PROBLEMS).map((finding) => toProblem(finding, data));
  const omitted = sorted.slice(MAX_PROBLEMS);
  if (omitted.length > 0) problems.push(andMore(omitted));
  return problems;
}

function toProblem(finding: Finding, data: unknown): PolicyProblem {
  const value = valueAt(data, finding.path);
  return {
    path: formatPath(finding.path),
    value: value === undefined ? '' : shortJson(value),
    message: finding.message,
    kind: finding.kind,
  };
}

function andMore(omitted: readonly Finding[]): PolicyProblem {
  const kind = omitted.every((finding) => finding.kind === 'unsupported') ? 'unsupported' : 'invalid';
  const message = `and ${omitted.length} more problems: fix the first ${MAX_PROBLEMS} and check again`;
  return { path: '', value: '', message, kind };
}

/** Position of each key on the way down: -1 for one that is not there. Lists of keys are indexed once per map. */
function createPlaces(data: unknown): (path: Path) => number[] {
  const positionsOf = new Map<object, Map<string, number>>();
  const positionIn = (parent: unknown, key: string | number): number => {
    if (typeof key === 'number') return key;
    if (!isMap(parent)) return -1;
    let positions = positionsOf.get(parent);
    if (positions === undefined) {
      positions = new Map(Object.keys(parent).map((name, position) => [name, position]));
      positionsOf.set(parent, positions);
    }
    return positions.get(key) ?? -1;
  };
  return (path) => path.map((key, depth) => positionIn(valueAt(data, path.slice(0, depth)), key));
}

function comparePlaces(a: readonly number[], b: readonly number[]): number {
  const depth = a.findIndex((position, index) => position !== b[index]);
  if (depth === -1) return a.length - b.length;
  return (a[depth] ?? 0) - (b[depth] ?? Number.NEGATIVE_INFINITY);
}

/** A path as a person writes it: `spec.limits[0].rates[1].window`, `metadata.labels["example.com/team"]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (key.length > MAX_PLAIN_KEY_LENGTH || !PLAIN_KEY.test(key)) text += `[${shortJson(key)}]`;
    else text += text === '' ? key : `.${key}`;
  }
  return text;
}

/**
 * JSON of plain data, at most 80 characters: a longer one ends in an ellipsis. Never renders much more than it shows,
 * however long, wide or deep the value is.
 */
export function shortJson(value: unknown): string {
  const json = renderJson(value, MAX_VALUE_LENGTH);
  if (json.length <= MAX_VALUE_LENGTH) return json;
  // Half of a surrogate pair would make the text ill-formed.
  return `${json.slice(0, MAX_VALUE_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** JSON of `value`, broken off somewhere behind `room` characters. */
function renderJson(value: unknown, room: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, room + 1));
  if (Array.isArray(value)) return `[${renderAll(value, renderJson, room - 1)}]`;
  if (isMap(value)) return `{${renderAll(Object.entries(value), renderField, room - 1)}}`;
  if (typeof value === 'function' || typeof value === 'symbol') return typeof value;
  return String(value);
}

function renderField([key, value]: readonly [string, unknown], room: number): string {
  return `${JSON.stringify(key)}:${renderJson(value, room)}`;
}

function renderAll<T>(items: readonly T[], render: (item: T, room: number) => string, room: number): string {
  let json = '';
  for (const item of items) {
    if (json.length > room) break;
    json += `${json === '' ? '' : ','}${render(item, room - json.length)}`;
  }
  return json;
}
