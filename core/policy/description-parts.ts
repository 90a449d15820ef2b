// What the description is made of: scalars and lists, and ways to make a field of them. Each part has a `form`, a noun
// phrase that completes "must be ..." and "is required: write ..."; `title` names it in the field reference.
// The functional variant of the schema library costs half the memory of the one with methods (docs/adr/0002).

import * as z from 'zod/mini';
import { DURATION_PATTERN } from './duration.ts';

/** No list of a policy is longer, so that checks of the whole stay cheap. */
const MAX_ITEMS = 32;

/** A string of 1 to `maxLength` characters that matches `pattern`, which is tried on no longer string. */
export function text(form: string, maxLength: number, pattern: RegExp) {
  return z
    .string({ error: form })
    .check(
      z.minLength(1, { error: form, abort: true }),
      z.maxLength(maxLength, { error: `at most ${maxLength} characters long`, abort: true }),
      z.regex(pattern, { error: form }),
    );
}

/** A whole number between two bounds, both allowed. */
export function integer(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).check(z.minimum(min, { error }), z.maximum(max, { error }));
}

/** A list of `min` to `max` items, which `what` names in the plural. */
export function list<Item extends z.ZodMiniType>(item: Item, what: string, min: number, max = MAX_ITEMS) {
  const error = `a list of ${min} to ${max} ${what}`;
  return z.array(item, { error }).check(z.minLength(min, { error }), z.maxLength(max, { error }));
}

/** A DNS-1123 label. */
export const label = text(
  'a name of at most 63 lower-case letters, digits and dashes, such as tokens-per-user',
  63,
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
).check(z.meta({ title: 'name' }));

/** A DNS-1123 subdomain. */
export const subdomain = text(
  'a name of lower-case letters, digits, dashes and dots, such as code-review',
  253,
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
).check(z.meta({ title: 'name' }));

const labelKey = text(
  'a label key such as app or example.com/app',
  317,
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
);

const labelValue = z.string({ error: 'a quoted string' }).check(
  z.maxLength(63, { error: 'at most 63 characters long', abort: true }),
  z.regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, {
    error: 'a label value of letters, digits, dashes, dots and underscores',
  }),
);

/** Kubernetes labels. */
export const labels = z.record(labelKey, labelValue).check(
  z.refine((map) => Object.keys(map).length <= MAX_ITEMS, { error: `a map of at most ${MAX_ITEMS} labels` }),
  z.meta({ title: 'labels', maxProperties: MAX_ITEMS }),
);

/** Kubernetes annotations: 256 KiB each, as the API server allows for all of them. */
export const annotations = z.record(
  z.string(),
  z
    .string({ error: 'a quoted string' })
    .check(z.maxLength(262_144, { error: 'at most 262144 characters long' })),
);

/** A Gateway API duration. */
export const duration = text('a duration such as 500ms, 90s or 1h30m', 28, DURATION_PATTERN).check(
  z.meta({ title: 'duration' }),
);

/** A glob without the characters that only other kinds of pattern have. */
export const glob = text(
  'a glob of at most 128 characters: * is any run of characters, ? is one, and no other is special',
  128,
  /^[^\s()[\]{}|^$\\]+$/,
).check(z.meta({ title: 'glob' }));

const amountForm = {
  error: 'an amount such as 500, 50k or 2M (dollars: a quoted decimal string such as "25.00")',
};

/** An amount of any unit; what a unit makes of it is a rule (`limit-rules.ts`). */
export const amount = z
  .union(
    [
      z.int(amountForm).check(z.minimum(0, amountForm)),
      text(amountForm.error, 20, /^[0-9]{1,12}([kMG]|\.[0-9]{1,6})?$/),
    ],
    amountForm,
  )
  .check(z.meta({ title: 'amount' }));

/** A field that must be given. */
export function required<Part extends z.ZodMiniType>(part: Part, description: string): Part {
  return part.check(z.meta({ description }));
}

/** A field that may be absent; `preset` words what it is then, where that depends on other fields. */
export function optional<Part extends z.ZodMiniType>(part: Part, description: string, preset?: string) {
  return z
    .optional(part)
    .check(z.meta(preset === undefined ? { description } : { description, 'x-default': preset }));
}

/** A field with a fixed default. */
export function defaulted<Part extends z.ZodMiniType>(
  part: Part,
  preset: z.output<Part>,
  description: string,
) {
  // The library's type forbids an undefined default; a default that is written down is not undefined.
  return z._default(part, preset as z.core.util.NoUndefined<z.output<Part>>).check(z.meta({ description }));
}

/** A map that may be absent and is then as if given without fields: the defaults of its own fields apply. */
export function nested<Part extends z.ZodMiniType>(part: Part, description: string) {
  // Only maps whose fields are all optional are nested so; parsing them without a field is tested.
  return z.prefault(part, {} as z.input<Part>).check(z.meta({ description }));
}

/** What the cluster writes into a resource, and the parser accepts without reading. */
export const clusterWritten = z
  .optional(z.unknown())
  .check(z.meta({ description: 'Written by the cluster; accepted and not read.', readOnly: true }));
