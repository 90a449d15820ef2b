// The one description of a policy as written. Types, parser, JSON Schema and field reference all come from here;
// what a shape cannot say (rules across fields, sums, meanings of a unit) is in `rules.ts` and `limit-rules.ts`.
// Each field carries a sentence for the reference.

import * as z from 'zod/mini';
import { CALL_KINDS, KEY_PARTS } from '../call.ts';
import { UNITS } from '../unit.ts';
import {
  amount,
  annotations,
  clusterWritten,
  defaulted,
  duration,
  glob,
  integer,
  label,
  labels,
  list,
  nested,
  optional,
  required,
  subdomain,
  text,
} from './description-parts.ts';

export const API_VERSION = 'flyball.dev/v1alpha1';
export const POLICY_KINDS = ['RateLimitPolicy', 'ClusterRateLimitPolicy'] as const;
export type PolicyKind = (typeof POLICY_KINDS)[number];

const mode = z.enum(['Enforce', 'Shadow']);
const distinct = z.meta({ uniqueItems: true });

const rate = z.strictObject({
  limit: required(
    amount,
    'Amount that the bucket gets back per window. 0 forbids what the limit matches. Dollars are quoted decimal strings.',
  ),
  window: required(
    duration,
    'Time in which the bucket gets back `limit`, from 1s to 744h; distinct within a limit.',
  ),
  burst: optional(
    amount,
    'Size of the bucket: the most that can be admitted at once. At least half a second of the rate.',
    'the same as `limit`',
  ),
  strict: defaulted(
    z.boolean({ error: 'true or false' }),
    false,
    'Never more than `limit` in any window, wherever the window starts.',
  ),
});

const budget = z.strictObject({
  limit: required(amount, 'Amount that may be spent in one period; it is not refilled inside the period.'),
  period: required(
    z.enum(['Hour', 'Day', 'Week', 'Month', 'Total']),
    'Calendar period after which the budget starts anew.',
  ),
  timeZone: defaulted(
    text('a time zone such as Europe/Paris', 64, /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/),
    'UTC',
    'IANA time zone whose calendar bounds the periods.',
  ),
});

const match = z.strictObject({
  kinds: optional(
    list(z.enum(CALL_KINDS), 'call kinds', 1, CALL_KINDS.length).check(distinct),
    'Kinds of call: LLM is a model call whose cost is read, HTTP is every other call, also of a tool; absent matches all.',
  ),
  tools: optional(
    list(glob, 'globs', 1),
    'Tool names, letter case ignored. Of a tool that is called over HTTP every path segment behind `/upstream/NAME` ' +
      'is looked at, decoded, whole and without its `;parameters`; one that matches is enough. Absent matches all.',
  ),
  models: optional(list(glob, 'globs', 1), 'Model names; absent matches all.'),
  upstreams: optional(list(glob, 'globs', 1), 'Names of upstreams; absent matches all.'),
  when: optional(
    text('a CEL expression of at most 1024 characters', 1024, /\S/),
    'CEL expression over `call`, for what globs cannot say.',
  ),
});

const onLimit = z.strictObject({
  action: defaulted(
    z.enum(['Hold', 'Deny']),
    'Hold',
    'Hold waits, in fair order and no longer than `maxWait`; Deny refuses at once.',
  ),
  maxWait: defaulted(duration, '2s', 'Longest wait of a held call, from 1ms to 60s; only with action Hold.'),
});

const limit = z
  .strictObject({
    name: required(label, 'Name of the limit, unique in the policy. Renaming a limit starts its count anew.'),
    match: nested(match, 'Which calls the limit counts; all given fields must match.'),
    per: defaulted(
      list(z.enum(KEY_PARTS), 'key parts', 0, KEY_PARTS.length).check(distinct),
      [],
      'One bucket for each combination of these values; [] is one bucket for all.',
    ),
    unit: required(z.enum(UNITS), 'What is counted.'),
    rates: optional(
      list(rate, 'rates', 1, 4),
      'Token buckets that must all hold. Exactly one of `rates`, `budget` and `max` is given.',
    ),
    budget: optional(budget, 'An amount per calendar period, spent and not refilled, instead of `rates`.'),
    max: optional(
      integer(0, 1_000_000),
      'Calls at the same time, instead of `rates`; only with unit Concurrency, which takes nothing else.',
    ),
    reserve: optional(
      z.enum(['Strict', 'Learned']),
      'What a call sets aside before it runs: Strict the most that it can cost, Learned what such calls cost.',
      '`Learned`; `Strict` for unit USD and for budgets',
    ),
    onLimit: nested(onLimit, 'What happens to a call that does not fit now.'),
    warnAt: defaulted(
      list(integer(1, 100), 'percentages', 0, 10).check(distinct),
      [80],
      'Percentages of use, the bands. Every answer to an admitted call has a warning header while use is at or above ' +
        'the lowest; event and metric come once for each band, and again only after use was below it.',
    ),
    mode: optional(mode, "Overrides the policy's mode for this limit.", "the policy's `mode`"),
  })
  .check(z.meta({ oneOf: [{ required: ['rates'] }, { required: ['budget'] }, { required: ['max'] }] }));

const adaptive = z.strictObject({
  targets: required(
    list(
      z.strictObject({
        upstreams: required(list(glob, 'globs', 1), 'Names of the upstreams that are watched.'),
        latency: optional(
          z.strictObject({
            percentile: defaulted(integer(1, 99), 95, 'Percentile that is compared with the objective.'),
            objective: required(duration, 'Latency that the percentile should stay below.'),
          }),
          'Shrink when the target answers slower than this.',
        ),
        errors: optional(
          z.strictObject({
            objective: required(integer(1, 100), 'Percentage of failed calls that is still acceptable.'),
          }),
          'Shrink when the target fails more often than this.',
        ),
      }),
      'targets',
      1,
    ),
    'What is watched.',
  ),
  minPercent: defaulted(integer(1, 100), 5, 'The limits never shrink below this percentage.'),
});

const longRunning = z.strictObject({
  tools: required(list(glob, 'globs', 1), 'Tool names.'),
  after: required(duration, 'A call that takes longer becomes a task.'),
  resultTTL: defaulted(duration, '1h', 'How long the result of a finished task is kept.'),
});

const anomaly = z.strictObject({
  action: defaulted(
    z.enum(['Off', 'Alert', 'Throttle', 'Quarantine']),
    'Off',
    'What happens on unusual use.',
  ),
});

const selector = z.strictObject({
  matchLabels: nested(labels, 'Labels that must all be present, with these values.'),
});

const spec = z.strictObject({
  selector: nested(selector, 'The agents that are governed, by their labels; absent: every agent.'),
  mode: defaulted(mode, 'Enforce', 'Enforce refuses; Shadow decides and records, and never refuses.'),
  priority: defaulted(
    z.enum(['Critical', 'High', 'Normal', 'Low', 'Background']),
    'Normal',
    'Which calls go first when there is not enough for all.',
  ),
  failureMode: defaulted(
    z.enum(['Closed', 'Share', 'Open']),
    'Share',
    'What shared limits do while the control plane is lost. Budgets and restrictedTools are always Closed.',
  ),
  limits: optional(
    list(limit, 'limits', 1),
    'The limits. Each one that matches a call must pass. A policy has limits, restrictedTools or allowedTools.',
  ),
  restrictedTools: defaulted(
    list(glob, 'globs', 0),
    [],
    'Tools that are always refused, letter case ignored. Looked at is every path segment that `match.tools` looks at; ' +
      'one that matches is enough.',
  ),
  allowedTools: optional(
    list(glob, 'globs', 0),
    'The only tools that are allowed, letter case ignored; [] allows none. Looked at is the tool alone: the first ' +
      'path segment behind `/upstream/NAME`, decoded and without its `;parameters`. restrictedTools wins over it.',
    'all tools',
  ),
  adaptive: optional(adaptive, 'Shrink the limits of a target that is hurting, and grow them back.'),
  longRunning: optional(
    list(longRunning, 'rules', 1),
    'Tools whose long calls become tasks instead of blocking.',
  ),
  anomaly: nested(anomaly, 'What to do about agents that behave unlike themselves.'),
});

const metadata = z.strictObject({
  name: required(subdomain, 'Name of the policy, unique in its namespace.'),
  namespace: optional(
    label,
    'Part of the name of the policy. In this version a policy governs every agent that its selector selects, whatever the namespace.',
    '`default`',
  ),
  labels: optional(labels, 'Labels of the policy itself.'),
  annotations: optional(annotations, 'Notes on the policy; not read.'),
  creationTimestamp: clusterWritten,
  deletionGracePeriodSeconds: clusterWritten,
  deletionTimestamp: clusterWritten,
  finalizers: clusterWritten,
  generateName: clusterWritten,
  generation: clusterWritten,
  managedFields: clusterWritten,
  ownerReferences: clusterWritten,
  resourceVersion: clusterWritten,
  selfLink: clusterWritten,
  uid: clusterWritten,
});

const clusterMetadata = z.omit(metadata, { namespace: true });

const clusterSpec = z.extend(spec, {
  namespaceSelector: nested(selector, 'Namespaces whose agents are governed; absent: every namespace.'),
});

const apiVersion = required(z.literal(API_VERSION), 'Version of this format.');
const aboutKind = 'RateLimitPolicy has a namespace; ClusterRateLimitPolicy is for the agents of many.';
const aboutMetadata = 'Name and place of the policy.';
const aboutSpec = 'What is limited, and how.';

const namespacedPolicy = z
  .strictObject({
    apiVersion,
    kind: required(z.literal('RateLimitPolicy'), aboutKind),
    metadata: required(metadata, aboutMetadata),
    spec: required(spec, aboutSpec),
    status: clusterWritten,
  })
  .check(z.meta({ title: 'RateLimitPolicy' }));

const clusterPolicy = z
  .strictObject({
    apiVersion,
    kind: required(z.literal('ClusterRateLimitPolicy'), aboutKind),
    metadata: required(clusterMetadata, aboutMetadata),
    spec: required(clusterSpec, aboutSpec),
    status: clusterWritten,
  })
  .check(z.meta({ title: 'ClusterRateLimitPolicy' }));

/** The shape of each kind. Rules across fields are not part of it. */
export const DESCRIPTIONS = {
  RateLimitPolicy: namespacedPolicy,
  ClusterRateLimitPolicy: clusterPolicy,
} as const;

/** A policy of one namespace as people write it. */
export type RawPolicy = z.input<typeof namespacedPolicy>;

/** A policy of the right shape with all fixed defaults filled in. */
export type FilledPolicy = z.output<typeof namespacedPolicy>;
export type FilledLimit = NonNullable<FilledPolicy['spec']['limits']>[number];
