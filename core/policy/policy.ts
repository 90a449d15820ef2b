// The valid form of a RateLimitPolicy: what `parsePolicy` returns and everything behind it consumes.
// After parsing no code meets the raw form.

import type { CallKind, KeyPart } from '../call.ts';
import type { Unit } from '../unit.ts';

/** Enforce refuses; Shadow decides and records, and never refuses. */
export type Mode = 'Enforce' | 'Shadow';

/** One token bucket of a limit. Amounts in the unit's smallest step (USD: micro-dollars). */
export type Rate = {
  readonly limit: number;
  readonly windowMs: number;
  /** Bucket size; defaults to `limit`. */
  readonly burst: number;
};

/** What bounds a limit: one to four token buckets that all must hold, or a number of calls at once. */
export type Bound =
  | { readonly kind: 'rates'; readonly rates: readonly Rate[] }
  | { readonly kind: 'max'; readonly max: number };

/** Which calls a limit counts. An absent list matches everything; all given lists must match. Globs: * and ?. */
export type Match = {
  readonly kinds?: readonly CallKind[];
  readonly tools?: readonly string[];
  readonly models?: readonly string[];
  readonly upstreams?: readonly string[];
};

export type OnLimit = { readonly kind: 'Deny' } | { readonly kind: 'Hold'; readonly maxWaitMs: number };

export type Limit = {
  readonly name: string;
  readonly match: Match;
  /** In canonical order (the order of KEY_PARTS), without repeats. Empty: one bucket for all. */
  readonly per: readonly KeyPart[];
  readonly unit: Unit;
  readonly bound: Bound;
  readonly reserve: 'Strict' | 'Learned';
  readonly onLimit: OnLimit;
  /** Percentages at which a warning is given, ascending. */
  readonly warnAt: readonly number[];
  /** The policy's mode unless the limit has its own. */
  readonly mode: Mode;
};

export type Policy = {
  readonly namespace: string;
  readonly name: string;
  /** Pod labels that must all be present with these values; empty = every agent of the namespace. */
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly mode: Mode;
  readonly limits: readonly Limit[];
  /** Globs of tools that are always refused. */
  readonly restrictedTools: readonly string[];
  /** Globs of tools that are allowed; undefined = all. */
  readonly allowedTools: readonly string[] | undefined;
};

/** One thing that is wrong with a policy. */
export type PolicyProblem = {
  /** Where, as written by a person: `spec.limits[0].rates[1].window`; '' for the whole document. */
  readonly path: string;
  /** The offending value as short JSON (at most 80 characters); '' where something is missing. */
  readonly value: string;
  /** What is wrong and what to write instead: one sentence. */
  readonly message: string;
  /** `invalid` = not a valid policy; `unsupported` = valid, but this version does not enforce it yet. */
  readonly kind: 'invalid' | 'unsupported';
};

export type ParsedPolicy =
  | { readonly kind: 'valid'; readonly policy: Policy; readonly warnings: readonly string[] }
  | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] };
