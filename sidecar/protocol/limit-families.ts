// Providers sort their rate headers by families (requests, tokens, ...). This finds the violated limit of each family;
// a dialect only writes it down in its own header names.

import type { Refusal, Violation } from '../../core/refusal.ts';
import { toWhole } from '../../core/signal/amount.ts';
import { announcedWait } from '../../core/signal/retry-after.ts';
import { countedViolations } from '../../core/signal/violation.ts';
import type { Unit } from '../../core/unit.ts';

/** A family and the units that it counts. Units in no family have no header in that dialect. */
export type LimitFamily = { readonly name: string; readonly units: readonly Unit[] };

/** What a dialect says about one family: whole numbers. */
export type FamilyReading = {
  readonly family: string;
  readonly limit: number;
  readonly remaining: number;
  /** Known for the binding limit only: for the others the announced wait is no more than an upper bound. */
  readonly resetMs: number | undefined;
};

/** The first violated limit of each family that has one, in the order of the families. */
export function readFamilies(refusal: Refusal, families: readonly LimitFamily[]): readonly FamilyReading[] {
  return families.flatMap(({ name, units }) => {
    const violation = countedViolations(refusal).find(({ unit }) => units.includes(unit));
    return violation === undefined ? [] : [toReading(name, violation, refusal)];
  });
}

function toReading(family: string, violation: Violation, refusal: Refusal): FamilyReading {
  return {
    family,
    limit: toWhole(violation.quota),
    remaining: toWhole(violation.remaining),
    resetMs: violation === refusal.violations[0] ? announcedWait(refusal)?.ms : undefined,
  };
}
