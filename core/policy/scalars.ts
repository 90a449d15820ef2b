// The scalars and lists of a policy, each with a `form`: a noun phrase that completes "must be ..." and
// "is required: write ...". `title` names the form in the field reference.

import { z } from 'zod';
import { DURATION_PATTERN } from './duration.ts';

/** No list of a policy is longer, so that checks of the whole stay cheap. */
const MAX_ITEMS = 32;

export function text(form: string, maxLength: number, pattern: RegExp) {
  return z
    .string({ error: form })
    .min(1, { error: form, abort: true })
    .max(maxLength, { error: `at most ${maxLength} characters long`, abort: true })
    .regex(pattern, { error: form });
}

export function integer(min: number, max: number) {
  const form = `a whole number from ${min} to ${max}`;
  return z.int({ error: form }).min(min, { error: form }).max(max, { error: form });
}

export function list<Item extends z.ZodType>(item: Item, what: string, min: number, max = MAX_ITEMS) {
  const form = `a list of ${min} to ${max} ${what}`;
  return z.array(item, { error: form }).min(min, { error: form }).max(max, { error: form });
}

export const label = text(
  'a name of at most 63 lower-case letters, digits and dashes, such as tokens-per-user',
  63,
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
).meta({ title: 'name' });

export const subdomain = text(
  'a name of lower-case letters, digits, dashes and dots, such as code-review',
  253,
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
).meta({ title: 'name' });

const labelKey = text(
  'a label key such as app or example.com/app',
  317,
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
);

const labelValue = z
  .string({ error: 'a quoted string' })
  .max(63, { error: 'at most 63 characters long', abort: true })
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, {
    error: 'a label value of letters, digits, dashes, dots and underscores',
  });

export const labels = z
  .record(labelKey, labelValue)
  .refine((map) => Object.keys(map).length <= MAX_ITEMS, { error: `a map of at most ${MAX_ITEMS} labels` })
  .meta({ title: 'labels', maxProperties: MAX_ITEMS });

export const annotations = z.record(z.string(), z.string({ error: 'a quoted string' }).max(262_144));

export const duration = text('a duration such as 500ms, 90s or 1h30m', 28, DURATION_PATTERN).meta({
  title: 'duration',
});

export const glob = text(
  'a glob of at most 128 characters: * is any run of characters, ? is one, and no other is special',
  128,
  /^[^\s()[\]{}|^$\\]+$/,
).meta({ title: 'glob' });

const amountForm = 'an amount such as 500, 50k or 2M (dollars: a quoted decimal string such as "25.00")';

const amountText = text(amountForm, 20, /^[0-9]{1,12}([kMG]|\.[0-9]{1,6})?$/);

export const amount = z
  .union([z.int({ error: amountForm }).min(0, { error: amountForm }), amountText], { error: amountForm })
  .meta({ title: 'amount' });
