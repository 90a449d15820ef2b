// One thing that is wrong, before it is worded for people: where in the document, and what to write instead.

/** Keys and list positions from the root of the document. */
export type Path = readonly (string | number)[];

/** `message` says what is wrong and the fix, in one clause that reads on from the path. */
export type Finding = {
  readonly path: Path;
  readonly message: string;
  readonly kind: 'invalid' | 'unsupported';
};

/** A finding of kind invalid. */
export function invalid(path: Path, message: string): Finding {
  return { path, message, kind: 'invalid' };
}

/** A map of plain data (not a list, not null). */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of a map; none for anything else, so that rules can look through documents of any shape. */
export function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return isMap(value) ? value : {};
}

/** The items of a list; none for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What stands at `path` in plain data; undefined where nothing does. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const key of path) {
    if (Array.isArray(value)) value = typeof key === 'number' ? value[key] : undefined;
    else value = isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}
