// The first look at an untrusted document: a bounded copy of it as plain data, so that everything behind it meets
// no cycles, no getters, no foreign prototypes, and never more than a known number of values.

import { type Finding, invalid, type Path } from './finding.ts';

/** More values than the largest policy with its server-written metadata has. */
export const MAX_VALUES = 20_000;
/** Deeper than any policy and its server-written metadata. */
export const MAX_DEPTH = 32;
/** Longer than any key of a label or annotation. */
const MAX_KEY_LENGTH = 512;

/**
 * `copied`: `data` holds only maps, lists and scalars, at most MAX_VALUES of them; `findings` name the places that
 * were left out (too deep, unusable field names). `refused`: the whole document cannot be read.
 */
export type PlainCopy =
  | { readonly kind: 'copied'; readonly data: unknown; readonly findings: readonly Finding[] }
  | { readonly kind: 'refused'; readonly finding: Finding };

type Progress = { valuesLeft: number; readonly findings: Finding[] };

/**
 * Copies own enumerable string-keyed properties; undefined fields are dropped, as in JSON. Never throws, whatever
 * the document is. Time is linear in MAX_VALUES and in the number of keys of the maps that it meets.
 */
export function copyPlainData(document: unknown): PlainCopy {
  const progress: Progress = { valuesLeft: MAX_VALUES, findings: [] };
  try {
    const data = copyValue(document, [], progress);
    if (progress.valuesLeft >= 0) return { kind: 'copied', data, findings: progress.findings };
    return refused(`is too large for a policy: it has more than ${MAX_VALUES} values`);
  } catch {
    // A getter or a proxy of the caller's threw: what it says is no business of ours.
    return refused('cannot be read: give plain data, as a YAML or JSON reader returns it');
  }
}

function refused(message: string): PlainCopy {
  return { kind: 'refused', finding: invalid([], message) };
}

function copyValue(value: unknown, path: Path, progress: Progress): unknown {
  if (--progress.valuesLeft < 0) return null;
  if (value === 0) return 0; // -0 too: amounts have no sign.
  if (typeof value !== 'object' || value === null) return value;
  if (path.length >= MAX_DEPTH) {
    progress.findings.push(invalid(path, `is nested deeper than ${MAX_DEPTH} levels: no policy is`));
    return null;
  }
  return Array.isArray(value) ? copyList(value, path, progress) : copyMap(value, path, progress);
}

function copyList(list: readonly unknown[], path: Path, progress: Progress): unknown[] {
  const copy: unknown[] = [];
  for (let position = 0; position < list.length && progress.valuesLeft >= 0; position++) {
    copy.push(copyValue(list[position] ?? null, [...path, position], progress));
  }
  return copy;
}

function copyMap(map: object, path: Path, progress: Progress): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  const keys = Object.keys(map);
  if (keys.length > progress.valuesLeft) {
    progress.valuesLeft = -1;
    return copy;
  }
  for (const key of keys) {
    if (key === '__proto__' || key.length > MAX_KEY_LENGTH) {
      progress.findings.push(invalid([...path, key], 'is not a field of a policy: remove it'));
      continue;
    }
    const value: unknown = Reflect.get(map, key);
    if (value !== undefined) copy[key] = copyValue(value, [...path, key], progress);
  }
  return copy;
}
