// Which field lives where, so that a field that does not exist can be answered with the one that was meant.

import { POLICY_KINDS, type PolicyKind } from './description.ts';
import { didYouMean } from './did-you-mean.ts';
import type { Path } from './finding.ts';
import { type SchemaNode, schemaOf } from './json-schema.ts';

/** Names of the fields by place; a place is a path with `[]` for every list position: `spec.limits[].rates[]`. */
type FieldIndex = ReadonlyMap<string, readonly string[]>;

/** Filled at the first bad document: reading the description costs milliseconds, and it never changes. */
const indexes = new Map<PolicyKind, FieldIndex>();

function indexOf(kind: PolicyKind): FieldIndex {
  const known = indexes.get(kind);
  if (known !== undefined) return known;
  const index = new Map<string, readonly string[]>();
  addFields('', schemaOf(kind), index);
  indexes.set(kind, index);
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

/** The fields that people write in the map at `place`; empty where the description has no map. */
export function fieldsAt(kind: PolicyKind, place: string): readonly string[] {
  return indexOf(kind).get(place) ?? [];
}

/**
 * What to write instead of the field `name`, which the map at `place` does not have: the field there that is one slip
 * away, else the place where such a field belongs, else a field there that is near, else all fields there.
 */
export function explainUnknownField(kind: PolicyKind, place: string, name: string): string {
  const here = fieldsAt(kind, place);
  const slip = didYouMean(name, here, 1);
  if (slip !== undefined) return `is not a field here: did you mean ${slip}?`;
  const elsewhere = explainElsewhere(indexOf(kind), name);
  if (elsewhere !== undefined) return elsewhere;
  const otherKind = POLICY_KINDS.find((other) => fieldsAt(other, place).includes(name));
  if (otherKind !== undefined) return `is a field of ${otherKind} only: remove it`;
  const near = didYouMean(name, here);
  if (near !== undefined) return `is not a field here: did you mean ${near}?`;
  return `is not a field here: the fields are ${here.join(', ')}`;
}

/** Where a field of this name, or one slip away from it, belongs. */
function explainElsewhere(index: FieldIndex, name: string): string | undefined {
  const names = [...new Set([...index.values()].flat())];
  const meant = names.includes(name) ? name : didYouMean(name, names, 1);
  return meant === undefined
    ? undefined
    : `is not a field here: ${meant} belongs in ${placesWith(index, meant)}`;
}

function placesWith(index: FieldIndex, name: string): string {
  const places = [...index].flatMap(([place, names]) => (names.includes(name) ? [place] : []));
  return places.map((place) => (place === '' ? 'the top level' : place)).join(' or ');
}
