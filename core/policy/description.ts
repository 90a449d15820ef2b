// The one description of a policy as written. Types, parser, JSON Schema and field reference all come from here;
// what a shape cannot say (rules across fields, sums, meanings of a unit) is in `rules.ts` and `limit-rules.ts`.
// Each field carries a sentence for the reference; `x-default` words a default that depends on other fields.

import { z } from 'zod';
import { CALL_KINDS, KEY_PARTS } from '../call.ts';
import { UNITS } from '../unit.ts';
import {
  amount,
  annotations,
  duration,
  glob,
  integer,
  label,
  labels,
  list,
  subdomain,
  text,
} from './scalars.ts';

export const API_VERSION = 'flyball.dev/v1alpha1';
export const POLICY_KINDS = ['RateLimitPolicy', 'ClusterRateLimitPolicy'] as const;
export type PolicyKind = (typeof POLICY_KINDS)[number];

const mode = z.enum(['Enforce', 'Shadow']);

const rate = z.strictObject({
  limit: amount.describe(
    'Amount that the bucket gets back per window. 0 forbids what the limit matches. Dollars are quoted decimal strings.',
  ),
  window: duration.describe(
    'Time in which the bucket gets back `limit`, from 1s to 744h; distinct within a limit.',
  ),
  burst: amount.optional().meta({
    description:
      'Size of the bucket: the most that can be admitted at once. At least half a second of the rate.',
    'x-default': 'the same as `limit`',
  }),
  strict: z
    .boolean({ error: 'true or false' })
    .default(false)
    .describe('Never more than `limit` in any window, wherever the window starts.'),
});

const budget = z.strictObject({
  limit: amount.describe('Amount that may be spent in one period; it is not refilled inside the period.'),
  period: z
    .enum(['Hour', 'Day', 'Week', 'Month', 'Total'])
    .describe('Calendar period after which the budget starts anew.'),
  timeZone: text('a time zone such as Europe/Paris', 64, /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/)
    .default('UTC')
    .describe('IANA time zone whose calendar bounds the periods.'),
});

const match = z.strictObject({
  kinds: list(z.enum(CALL_KINDS), 'call kinds', 1, CALL_KINDS.length)
    .optional()
    .meta({ description: 'Kinds of call; absent matches all.', uniqueItems: true }),
  tools: list(glob, 'globs', 1).optional().describe('Tool names; absent matches all.'),
  models: list(glob, 'globs', 1).optional().describe('Model names; absent matches all.'),
  upstreams: list(glob, 'globs', 1).optional().describe('Names of upstreams; absent matches all.'),
  when: text('a CEL expression of at most 1024 characters', 1024, /\S/)
    .optional()
    .describe('CEL expression over `call`, for what globs cannot say.'),
});

const onLimit = z.strictObject({
  action: z
    .enum(['Hold', 'Deny'])
    .default('Hold')
    .describe('Hold waits, in fair order and no longer than `maxWait`; Deny refuses at once.'),
  maxWait: duration
    .default('2s')
    .describe('Longest wait of a held call, from 1ms to 60s; only with action Hold.'),
});

const limit = z
  .strictObject({
    name: label.describe('Name of the limit, unique in the policy. Renaming a limit starts its count anew.'),
    match: match.prefault({}).describe('Which calls the limit counts; all given fields must match.'),
    per: list(z.enum(KEY_PARTS), 'key parts', 0, KEY_PARTS.length).default([]).meta({
      description: 'One bucket for each combination of these values; [] is one bucket for all.',
      uniqueItems: true,
    }),
    unit: z.enum(UNITS).describe('What is counted.'),
    rates: list(rate, 'rates', 1, 4)
      .optional()
      .describe('Token buckets that must all hold. Exactly one of `rates`, `budget` and `max` is given.'),
    budget: budget
      .optional()
      .describe('An amount per calendar period, spent and not refilled, instead of `rates`.'),
    max: integer(0, 1_000_000)
      .optional()
      .describe(
        'Calls at the same time, instead of `rates`; only with unit Concurrency, which takes nothing else.',
      ),
    reserve: z.enum(['Strict', 'Learned']).optional().meta({
      description:
        'What a call sets aside before it runs: Strict the most that it can cost, Learned what such calls cost.',
      'x-default': '`Learned`; `Strict` for unit USD and for budgets',
    }),
    onLimit: onLimit.prefault({}).describe('What happens to a call that does not fit now.'),
    warnAt: list(integer(1, 100), 'percentages', 0, 10)
      .default([80])
      .meta({ description: 'Percentages of use at which a warning is given, once each.', uniqueItems: true }),
    mode: mode.optional().meta({
      description: "Overrides the policy's mode for this limit.",
      'x-default': "the policy's `mode`",
    }),
  })
  .meta({ oneOf: [{ required: ['rates'] }, { required: ['budget'] }, { required: ['max'] }] });

const adaptiveTarget = z.strictObject({
  upstreams: list(glob, 'globs', 1).describe('Names of the upstreams that are watched.'),
  latency: z
    .strictObject({
      percentile: integer(1, 99).default(95).describe('Percentile that is compared with the objective.'),
      objective: duration.describe('Latency that the percentile should stay below.'),
    })
    .optional()
    .describe('Shrink when the target answers slower than this.'),
  errors: z
    .strictObject({
      objective: integer(1, 100).describe('Percentage of failed calls that is still acceptable.'),
    })
    .optional()
    .describe('Shrink when the target fails more often than this.'),
});

const adaptive = z.strictObject({
  targets: list(adaptiveTarget, 'targets', 1).describe('What is watched.'),
  minPercent: integer(1, 100).default(5).describe('The limits never shrink below this percentage.'),
});

const longRunning = z.strictObject({
  tools: list(glob, 'globs', 1).describe('Tool names.'),
  after: duration.describe('A call that takes longer becomes a task.'),
  resultTTL: duration.default('1h').describe('How long the result of a finished task is kept.'),
});

const anomaly = z.strictObject({
  action: z
    .enum(['Off', 'Alert', 'Throttle', 'Quarantine'])
    .default('Off')
    .describe('What happens on unusual use.'),
});

const selector = z.strictObject({
  matchLabels: labels.prefault({}).describe('Labels that must all be present, with these values.'),
});

const spec = z.strictObject({
  selector: selector
    .prefault({})
    .describe('The agent pods that are governed; absent: every agent of the namespace.'),
  mode: mode.default('Enforce').describe('Enforce refuses; Shadow decides and records, and never refuses.'),
  priority: z
    .enum(['Critical', 'High', 'Normal', 'Low', 'Background'])
    .default('Normal')
    .describe('Which calls go first when there is not enough for all.'),
  failureMode: z
    .enum(['Closed', 'Share', 'Open'])
    .default('Share')
    .describe(
      'What shared limits do while the control plane is lost. Budgets and restrictedTools are always Closed.',
    ),
  limits: list(limit, 'limits', 1)
    .optional()
    .describe(
      'The limits. Each one that matches a call must pass. A policy has limits, restrictedTools or allowedTools.',
    ),
  restrictedTools: list(glob, 'globs', 0).default([]).describe('Tools that are always refused.'),
  allowedTools: list(glob, 'globs', 0).optional().meta({
    description: 'The only tools that are allowed; [] allows none. restrictedTools wins over it.',
    'x-default': 'all tools',
  }),
  adaptive: adaptive
    .optional()
    .describe('Shrink the limits of a target that is hurting, and grow them back.'),
  longRunning: list(longRunning, 'rules', 1)
    .optional()
    .describe('Tools whose long calls become tasks instead of blocking.'),
  anomaly: anomaly.prefault({}).describe('What to do about agents that behave unlike themselves.'),
});

/** What the API server and the operator write, and the parser accepts without reading. */
const serverWritten = z
  .unknown()
  .optional()
  .meta({ description: 'Written by the cluster; accepted and not read.', readOnly: true });

const serverMetadata = {
  creationTimestamp: serverWritten,
  deletionGracePeriodSeconds: serverWritten,
  deletionTimestamp: serverWritten,
  finalizers: serverWritten,
  generateName: serverWritten,
  generation: serverWritten,
  managedFields: serverWritten,
  ownerReferences: serverWritten,
  resourceVersion: serverWritten,
  selfLink: serverWritten,
  uid: serverWritten,
};

const metadata = z.strictObject({
  name: subdomain.describe('Name of the policy, unique in its namespace.'),
  namespace: label
    .optional()
    .meta({ description: 'Namespace whose agents the policy governs.', 'x-default': '`default`' }),
  labels: labels.optional().describe('Labels of the policy itself.'),
  annotations: annotations.optional().describe('Notes on the policy; not read.'),
  ...serverMetadata,
});

const kindSentence = 'RateLimitPolicy governs agents of one namespace, ClusterRateLimitPolicy of many.';

const namespacedPolicy = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe('Version of this format.'),
    kind: z.literal('RateLimitPolicy').describe(kindSentence),
    metadata: metadata.describe('Name and place of the policy.'),
    spec: spec.describe('What is limited, and how.'),
    status: serverWritten,
  })
  .meta({ title: 'RateLimitPolicy' });

const clusterPolicy = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).describe('Version of this format.'),
    kind: z.literal('ClusterRateLimitPolicy').describe(kindSentence),
    metadata: metadata.omit({ namespace: true }).describe('Name of the policy.'),
    spec: spec
      .extend({
        namespaceSelector: selector
          .prefault({})
          .describe('Namespaces whose agents are governed; absent: every namespace.'),
      })
      .describe('What is limited, and how.'),
    status: serverWritten,
  })
  .meta({ title: 'ClusterRateLimitPolicy' });

/** The shape of each kind. Rules across fields are not part of it. */
export const DESCRIPTIONS = {
  RateLimitPolicy: namespacedPolicy,
  ClusterRateLimitPolicy: clusterPolicy,
} as const;

/** A policy as people write it. */
export type RawPolicy = z.input<typeof namespacedPolicy>;
export type RawClusterPolicy = z.input<typeof clusterPolicy>;

/** A policy of the right shape with all fixed defaults filled in. */
export type FilledPolicy = z.output<typeof namespacedPolicy>;
export type FilledLimit = NonNullable<FilledPolicy['spec']['limits']>[number];
