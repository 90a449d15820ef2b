// A dumb validator for the part of JSON Schema that our schema uses: the twin of the parser's shape check.

type Schema = Readonly<Record<string, unknown>>;
type Keyword = (argument: never, value: unknown, schema: Schema) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TYPES: Record<string, (value: unknown) => boolean> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
};

const onText = (check: (text: string) => boolean) => (value: unknown) =>
  typeof value !== 'string' || check(value);
const onNumber = (check: (n: number) => boolean) => (value: unknown) =>
  typeof value !== 'number' || check(value);
const onList = (check: (items: unknown[]) => boolean) => (value: unknown) =>
  !Array.isArray(value) || check(value);
const onMap = (check: (map: Record<string, unknown>) => boolean) => (value: unknown) =>
  !isObject(value) || check(value);

const KEYWORDS: Readonly<Record<string, Keyword>> = {
  type: (type: string, value) => TYPES[type]?.(value) ?? false,
  const: (wanted: unknown, value) => value === wanted,
  enum: (wanted: unknown[], value) => wanted.includes(value),
  pattern: (source: string, value) => onText((text) => new RegExp(source).test(text))(value),
  minLength: (least: number, value) => onText((text) => text.length >= least)(value),
  maxLength: (most: number, value) => onText((text) => text.length <= most)(value),
  minimum: (least: number, value) => onNumber((number) => number >= least)(value),
  maximum: (most: number, value) => onNumber((number) => number <= most)(value),
  minItems: (least: number, value) => onList((items) => items.length >= least)(value),
  maxItems: (most: number, value) => onList((items) => items.length <= most)(value),
  uniqueItems: (_: boolean, value) => onList((items) => new Set(items).size === items.length)(value),
  items: (schema: Schema, value) => onList((items) => items.every((item) => fitsSchema(schema, item)))(value),
  maxProperties: (most: number, value) => onMap((map) => Object.keys(map).length <= most)(value),
  propertyNames: (schema: Schema, value) =>
    onMap((map) => Object.keys(map).every((key) => fitsSchema(schema, key)))(value),
  required: (names: string[], value) =>
    onMap((map) => names.every((name) => Object.hasOwn(map, name)))(value),
  properties: (fields: Record<string, Schema>, value) =>
    onMap((map) =>
      Object.entries(fields).every(
        ([name, schema]) => !Object.hasOwn(map, name) || fitsSchema(schema, map[name]),
      ),
    )(value),
  additionalProperties: (schema: Schema | false, value, { properties }) =>
    onMap((map) => {
      const others = Object.keys(map).filter(
        (name) => !isObject(properties) || !Object.hasOwn(properties, name),
      );
      return others.every((name) => schema !== false && fitsSchema(schema, map[name]));
    })(value),
  anyOf: (schemas: Schema[], value) => schemas.some((schema) => fitsSchema(schema, value)),
  oneOf: (schemas: Schema[], value) => schemas.filter((schema) => fitsSchema(schema, value)).length === 1,
};

const NOTES = new Set(['$schema', 'title', 'description', 'default', 'x-default', 'readOnly']);

/** Whether `value` (JSON) fits `schema`. Throws on a keyword that it does not know, so that none is passed over. */
export function fitsSchema(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    if (NOTES.has(keyword)) return true;
    const check = KEYWORDS[keyword];
    if (check === undefined)
      throw new Error(`the schema uses ${keyword}, which this validator does not know`);
    // Each keyword has its own type of argument, which the schema's author got right.
    return check(argument as never, value, schema);
  });
}
