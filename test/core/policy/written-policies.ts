// Random valid policies as people may write them, each with the policy that it means, computed on the way.

import fc from 'fast-check';
import { KEY_PARTS } from '../../../core/call.ts';
import type { Bound, Limit, Mode, Policy, Rate } from '../../../core/policy/policy.ts';
import type { Unit } from '../../../core/unit.ts';

/** What is written, and what it means. */
type Written<T> = { readonly raw: unknown; readonly meant: T };

export type WrittenPolicy = { readonly raw: Readonly<Record<string, unknown>>; readonly meant: Policy };

const modes = fc.constantFrom<Mode>('Enforce', 'Shadow');
const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
const glob = fc.stringMatching(/^[A-Za-z0-9*?._:/@-]{1,20}$/);
const globs = fc.array(glob, { minLength: 1, maxLength: 4 });

/** Whole numbers of a unit, as a number or with the suffix that fits. */
const quantity: fc.Arbitrary<Written<number>> = fc
  .tuple(
    fc.integer({ min: 1, max: 999_999 }),
    fc.constantFrom(['', 1], ['k', 1e3], ['M', 1e6], ['G', 1e9]),
    fc.boolean(),
  )
  .map(([count, [suffix, factor], asNumber]) => {
    const meant = count * Number(factor);
    return { meant, raw: asNumber ? meant : `${count}${suffix}` };
  });

const dollars: fc.Arbitrary<Written<number>> = fc.integer({ min: 1, max: 1e15 }).map((micros) => {
  const digits = String(micros).padStart(7, '0');
  return { meant: micros, raw: `${digits.slice(0, -6)}.${digits.slice(-6)}` };
});

/** A duration between the bounds, written in hours, minutes, seconds and milliseconds. */
function duration(minMs: number, maxMs: number): fc.Arbitrary<Written<number>> {
  return fc.integer({ min: minMs, max: maxMs }).map((meant) => {
    const parts = [
      [Math.floor(meant / 3_600_000), 'h'],
      [Math.floor(meant / 60_000) % 60, 'm'],
      [Math.floor(meant / 1_000) % 60, 's'],
      [meant % 1_000, 'ms'],
    ] as const;
    return { meant, raw: parts.map(([count, unit]) => (count > 0 ? `${count}${unit}` : '')).join('') };
  });
}

/** The raw form of `value`, or nothing where it is absent: absent fields of JSON are undefined. */
function optional<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined });
}

function rateOf(amount: fc.Arbitrary<Written<number>>): fc.Arbitrary<Written<Rate>> {
  return fc
    .tuple(amount, duration(1_000, 2_678_400_000), optional(amount), optional(fc.constant(false)))
    .map(([limit, window, burst, strict]) => ({
      raw: { limit: limit.raw, window: window.raw, burst: burst?.raw, strict },
      meant: { limit: limit.meant, windowMs: window.meant, burst: burst?.meant ?? limit.meant },
    }));
}

export const units = fc.constantFrom<Unit>(
  'Requests',
  'InputTokens',
  'OutputTokens',
  'TotalTokens',
  'USD',
  'Concurrency',
);

function boundOf(unit: Unit): fc.Arbitrary<Written<Bound>> {
  if (unit === 'Concurrency') {
    return fc
      .integer({ min: 1, max: 1_000_000 })
      .map((max) => ({ raw: { max }, meant: { kind: 'max', max } }));
  }
  return fc
    .uniqueArray(rateOf(unit === 'USD' ? dollars : quantity), {
      minLength: 1,
      maxLength: 4,
      selector: ({ meant }) => meant.windowMs,
    })
    .map((rates) => ({
      raw: { rates: rates.map(({ raw }) => raw) },
      meant: { kind: 'rates', rates: rates.map(({ meant }) => meant) },
    }));
}

const onLimits: fc.Arbitrary<Written<Limit['onLimit']>> = fc.oneof(
  fc.constant({ raw: undefined, meant: { kind: 'Hold', maxWaitMs: 2_000 } } as const),
  fc.constant({ raw: {}, meant: { kind: 'Hold', maxWaitMs: 2_000 } } as const),
  fc.constant({ raw: { action: 'Deny' }, meant: { kind: 'Deny' } } as const),
  fc.tuple(optional(fc.constant('Hold')), duration(1, 60_000)).map(([action, maxWait]) => ({
    raw: { action, maxWait: maxWait.raw },
    meant: { kind: 'Hold' as const, maxWaitMs: maxWait.meant },
  })),
);

type MatchFields = {
  readonly kinds?: readonly string[] | undefined;
  readonly tools?: unknown;
  readonly models?: unknown;
};

/** Only model calls have models, tokens and dollars, and only other calls name tools: what asks for both counts nothing. */
export function canCount(unit: Unit, { kinds, tools, models }: MatchFields): boolean {
  const isMetered = unit === 'USD' || unit.endsWith('Tokens');
  const counted = (['LLM', 'HTTP'] as const).filter((kind) => kinds?.includes(kind) ?? true);
  return counted.some((kind) => (kind === 'LLM' ? tools === undefined : !isMetered && models === undefined));
}

/** Any match, also one that can count nothing. */
export const matches = fc.record({
  kinds: optional(fc.uniqueArray(fc.constantFrom('LLM' as const, 'HTTP' as const), { minLength: 1 })),
  tools: optional(globs),
  models: optional(globs),
  upstreams: optional(globs),
});

function limitFieldsOf(unit: Unit) {
  const isCount = unit === 'Requests' || unit === 'Concurrency';
  return fc.record({
    name,
    match: optional(matches.filter((match) => canCount(unit, match))),
    per: optional(fc.uniqueArray(fc.constantFrom(...KEY_PARTS))),
    reserve: isCount
      ? fc.constant(undefined)
      : optional(fc.constantFrom('Strict' as const, 'Learned' as const)),
    onLimit: onLimits,
    warnAt: optional(fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 10 })),
    mode: optional(modes),
  });
}

/** A limit and what it means in a policy of each mode. */
type WrittenLimit = { readonly name: string; readonly raw: unknown; meant(policyMode: Mode): Limit };

const limits: fc.Arbitrary<WrittenLimit> = units
  .chain((unit) => fc.tuple(fc.constant(unit), boundOf(unit), limitFieldsOf(unit)))
  .map(([unit, bound, fields]) => ({
    name: fields.name,
    raw: { ...fields, unit, onLimit: fields.onLimit.raw, ...(bound.raw as object) },
    meant: (policyMode) => ({
      name: fields.name,
      match: present(fields.match ?? {}),
      per: KEY_PARTS.filter((part) => fields.per?.includes(part) ?? false),
      unit,
      bound: bound.meant,
      reserve: fields.reserve ?? (unit === 'USD' ? 'Strict' : 'Learned'),
      onLimit: fields.onLimit.meant,
      warnAt: [...(fields.warnAt ?? [80])].sort((a, b) => a - b),
      mode: fields.mode ?? policyMode,
    }),
  }));

const labels = fc.dictionary(
  fc.stringMatching(/^[a-z]([a-z0-9.-]{0,8}[a-z0-9])?$/),
  fc.stringMatching(/^([A-Za-z0-9][A-Za-z0-9_.-]{0,8}[A-Za-z0-9])?$/),
  { maxKeys: 4, noNullPrototype: true },
);

/** Valid policies that this version enforces. Fields that are undefined are absent. */
export const writtenPolicies: fc.Arbitrary<WrittenPolicy> = fc
  .record({
    name,
    namespace: optional(name),
    matchLabels: optional(labels),
    mode: optional(modes),
    limits: fc.uniqueArray(limits, { minLength: 1, maxLength: 4, selector: (limit) => limit.name }),
    restrictedTools: optional(fc.array(glob, { maxLength: 3 })),
    allowedTools: optional(fc.array(glob, { maxLength: 3 })),
    priority: optional(fc.constant('Normal')),
    failureMode: optional(fc.constant('Share')),
    anomaly: optional(fc.constantFrom({}, { action: 'Off' })),
  })
  .map((written) => ({ raw: rawPolicy(written), meant: meantPolicy(written) }));

type Fields = {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly matchLabels: Record<string, string> | undefined;
  readonly mode: Mode | undefined;
  readonly limits: readonly WrittenLimit[];
  readonly restrictedTools: string[] | undefined;
  readonly allowedTools: string[] | undefined;
};

function rawPolicy({ name, namespace, matchLabels, ...spec }: Fields): Record<string, unknown> {
  return {
    apiVersion: 'flyball.dev/v1alpha1',
    kind: 'RateLimitPolicy',
    metadata: { name, namespace },
    spec: {
      ...spec,
      selector: matchLabels === undefined ? undefined : { matchLabels },
      limits: spec.limits.map(({ raw }) => raw),
    },
  };
}

function meantPolicy(written: Fields): Policy {
  const mode = written.mode ?? 'Enforce';
  return {
    namespace: written.namespace ?? 'default',
    name: written.name,
    matchLabels: written.matchLabels ?? {},
    mode,
    limits: written.limits.map((limit) => limit.meant(mode)),
    restrictedTools: written.restrictedTools ?? [],
    allowedTools: written.allowedTools,
  };
}

/** The fields that are there. */
function present(fields: Readonly<Record<string, unknown>>): Limit['match'] {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
