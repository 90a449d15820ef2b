// Which field lives where, so that a field that does not exist can be answered with the one that was meant.

import { POLICY_KINDS, type PolicyKind } from './description.ts';
import { didYouMean } from './did-you-mean.ts';
import type { Path } from './finding.ts';
import { type SchemaNode, schemaOf } from './json-schema.ts';

/** Names of the fields by place; a place is a path with `[]` for every list position: `spec.limits[].rates[]`. */
export type FieldIndex = ReadonlyMap<string, readonly string[]>;

/** Every map with a fixed set of fields in a policy of `kind`, without what only the cluster writes. */
export function indexFields(kind: PolicyKind): FieldIndex {
  const index = new Map<string, readonly string[]>();
  addFields('', schemaOf(kind), index);
  return index;
}

function addFields(place: string, node: SchemaNode, index: Map<string, readonly string[]>): void {
  if (node.items !== undefined) addFields(`${place}[]`, node.items, index);
  if (node.properties === undefined) return;
  const fields = Object.entries(node.properties).filter(([, field]) => field.readOnly !== true);
  index.set(
    place,
    fields.map(([name]) => name),
  );
  for (const [name, field] of fields) addFields(join(place, name), field, index);
}

function join(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}

/** The place of a path: its list positions forgotten. */
export function placeOf(path: Path): string {
  let place = '';
  for (const key of path) place = typeof key === 'number' ? `${place}[]` : join(place, key);
  return place;
}

/** Answers for the fields of one document. Costs a few milliseconds to create: create it for a bad document only. */
export type FieldGuide = {
  /** The fields of the map at `place`; empty where there is no such map. */
  fieldsAt(place: string): readonly string[];
  /** What to write instead of the field `name`, which the map at `place` does not have. */
  explainUnknown(place: string, name: string): string;
};

/** A guide to policies of `kind`. */
export function createFieldGuide(kind: PolicyKind): FieldGuide {
  const index = indexFields(kind);
  const otherKind = POLICY_KINDS.find((other) => other !== kind) ?? kind;
  const otherIndex = indexFields(otherKind);
  const allNames = [...new Set([...index.values()].flat())];
  const fieldsAt = (place: string) => index.get(place) ?? [];
  return {
    fieldsAt,
    explainUnknown(place, name) {
      const here = fieldsAt(place);
      const slip = didYouMean(name, here, 1);
      if (slip !== undefined) return `is not a field here: did you mean ${slip}?`;
      if (index.get(place) === undefined) return 'is not a field here: remove it';
      if (otherIndex.get(place)?.includes(name)) return `is a field of ${otherKind} only: remove it`;
      const elsewhere = allNames.includes(name) ? name : didYouMean(name, allNames, 1);
      if (elsewhere !== undefined)
        return `is not a field here: ${elsewhere} belongs in ${placesOf(index, elsewhere)}`;
      const near = didYouMean(name, here);
      if (near !== undefined) return `is not a field here: did you mean ${near}?`;
      return `is not a field here: the fields are ${here.join(', ')}`;
    },
  };
}

function placesOf(index: FieldIndex, name: string): string {
  const places = [...index].flatMap(([place, names]) => (names.includes(name) ? [place] : []));
  return places.map((place) => (place === '' ? 'the top level' : place)).join(' or ');
}
