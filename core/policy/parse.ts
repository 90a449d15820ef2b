// A policy as written -> a valid policy, or every problem at once. Nothing else in the code meets the raw form.

import { buildPolicy } from './build.ts';
import type { FilledPolicy } from './description.ts';
import { type Finding, invalid, isMap, mapOf } from './finding.ts';
import { copyPlainData } from './plain-data.ts';
import type { ParsedPolicy } from './policy.ts';
import { toProblems } from './problem.ts';
import { checkRules, kindOf } from './rules.ts';
import { checkShape } from './shape.ts';
import { checkSupport } from './support.ts';
import { findWarnings } from './warnings.ts';

type Examined = {
  readonly data: unknown;
  readonly findings: readonly Finding[];
  /** Present when the shape is right. */
  readonly filled: FilledPolicy | undefined;
};

/**
 * Parses one document as a YAML or JSON reader returns it. Reports every problem of shape, of rules across fields and
 * of support at once, in the order of the document, at most MAX_PROBLEMS of them spelled out. Unknown fields are
 * problems. Never throws; the work is bounded by MAX_VALUES whatever the document is.
 */
export function parsePolicy(document: unknown): ParsedPolicy {
  return conclude(examine(document));
}

/**
 * Parses a set of documents that are in force together: as `parsePolicy`, one result per document in their order, and
 * a policy whose kind, namespace and name stand in an earlier document is invalid.
 */
export function parsePolicies(documents: readonly unknown[]): ParsedPolicy[] {
  const firstByIdentity = new Map<string, number>();
  return documents.map((document, position) => {
    const examined = examine(document);
    const identity = identityOf(examined.data);
    if (identity === undefined) return conclude(examined);
    const first = firstByIdentity.get(identity);
    if (first !== undefined) return conclude(withFinding(examined, repeated(first)));
    firstByIdentity.set(identity, position);
    return conclude(examined);
  });
}

function examine(document: unknown): Examined {
  const copy = copyPlainData(document);
  if (copy.kind === 'refused') return { data: undefined, findings: [copy.finding], filled: undefined };
  const { data } = copy;
  if (!isMap(data)) {
    const finding = invalid([], 'must be a map with the fields apiVersion, kind, metadata and spec');
    return { data, findings: [finding], filled: undefined };
  }
  const shape = checkShape(kindOf(data), data);
  // The rules know more than the shape, so theirs is the word where both complain about one place.
  const findings = firstOfEachPlace([
    ...copy.findings,
    ...checkRules(data),
    ...shape.findings,
    ...checkSupport(data),
  ]);
  return { data, findings, filled: shape.filled };
}

function firstOfEachPlace(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ path }) => {
    const place = JSON.stringify(path);
    const isFirst = !seen.has(place);
    seen.add(place);
    return isFirst;
  });
}

function conclude({ data, findings, filled }: Examined): ParsedPolicy {
  if (findings.length > 0) return { kind: 'invalid', problems: toProblems(findings, data) };
  if (filled === undefined) throw new Error('a policy of the wrong shape has no finding');
  const policy = buildPolicy(filled);
  return { kind: 'valid', policy, warnings: findWarnings(policy) };
}

function withFinding(examined: Examined, finding: Finding): Examined {
  return { ...examined, findings: [...examined.findings, finding] };
}

function repeated(first: number): Finding {
  const message = `is the name of document ${first + 1} of this set too: give each policy of a namespace its own name`;
  return invalid(['metadata', 'name'], message);
}

/** Kind, namespace and name, as far as they are strings; undefined for a document without a name. */
function identityOf(data: unknown): string | undefined {
  const document = mapOf(data);
  const { name, namespace } = mapOf(document.metadata);
  if (typeof name !== 'string') return undefined;
  return JSON.stringify([kindOf(document), namespace ?? 'default', name]);
}
