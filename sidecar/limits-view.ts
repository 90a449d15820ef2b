// What an agent may see of its own limits: `GET /v1/limits`.

import { type Call, type KeyPart, UNKNOWN } from '../core/call.ts';
import type { KeyStanding, Standing } from '../core/decide.ts';
import { quotaOf } from '../core/engine/bucket-table.ts';
import { OVERFLOW } from '../core/engine/key-table.ts';
import { type LimitRule, policyOf } from '../core/policy/plan.ts';
import { toUsd } from '../core/policy/usd.ts';
import { policyLabel } from '../core/refusal.ts';
import { cleanId, type Workload } from './identity.ts';

/** One limit as the agent sees it. Amounts in the unit; dollars as decimal strings. */
export type LimitView = {
  readonly policy: string;
  readonly limit: string;
  readonly unit: string;
  readonly mode: 'Enforce' | 'Shadow';
  /** Which calls it counts, as written in the policy. */
  readonly match: LimitRule['match'];
  /** The key parts and the values shown here. */
  readonly key: Readonly<Record<string, string>>;
  readonly quota: number | string;
  /** 0 for concurrency. */
  readonly windowSeconds: number;
  readonly burst: number | string;
  readonly remaining: number | string;
  readonly usedPercent: number;
  /** Until it is full again if nothing is used; 0 for concurrency. */
  readonly resetSeconds: number;
};

export type LimitsView = {
  readonly agent: string;
  readonly namespace: string;
  readonly revision: number;
  readonly limits: readonly LimitView[];
};

/** Which agent asks, and for which of its keys. */
export type ViewQuery = {
  readonly agent: string | undefined;
  readonly user: string;
  readonly session: string | undefined;
};

/** What the view reads. Nothing is charged, and no bucket is made. */
export interface LimitsSource {
  readonly revision: number;
  readonly rules: readonly LimitRule[];
  /** The buckets of a rule, with the values of `rule.per`. A key that was never used has none. */
  standingsByKey(rule: LimitRule): Iterable<KeyStanding>;
}

/** Buckets shown for each limit. */
const MAX_KEYS = 100;

/** Parts that say who the asker is; it sees only keys in which they are its own. */
const IDENTITY_PARTS: ReadonlySet<KeyPart> = new Set(['tenant', 'agent', 'user', 'session', 'pod']);

/** The limits of one agent: a view for each of its keys, and one full one where a limit has not been used yet. */
export function toLimitsView(source: LimitsSource, workload: Workload, query: ViewQuery): LimitsView {
  const call: Call = {
    kind: 'HTTP',
    tenant: workload.tenant,
    agent: query.agent ?? workload.agent,
    user: query.user === UNKNOWN ? cleanId(workload.user) : query.user,
    session: cleanId(query.session ?? workload.pod),
    tool: UNKNOWN,
    toolNames: [],
    model: UNKNOWN,
    upstream: UNKNOWN,
    pod: workload.pod,
  };
  return {
    agent: call.agent,
    namespace: call.tenant,
    revision: source.revision,
    limits: source.rules.flatMap((rule) => toViews(source, rule, call)),
  };
}

/**
 * A key without a bucket of its own spends from the overflow bucket, where there is one, and gets a bucket of its own
 * no fuller than that.
 */
function toViews(source: LimitsSource, rule: LimitRule, call: Call): LimitView[] {
  const views: LimitView[] = [];
  let overflow: Standing | undefined;
  for (const { key, standing, isOverflow } of source.standingsByKey(rule)) {
    if (isOverflow) {
      if (isSharedBy(call.agent, rule, key)) overflow = lower(overflow, standing);
      continue;
    }
    const isOwn = rule.per.every((part, i) => !IDENTITY_PARTS.has(part) || key[i] === call[part]);
    if (isOwn && views.length < MAX_KEYS) views.push(toView(rule, key, standing));
  }
  const isNarrower = rule.per.some((part) => !IDENTITY_PARTS.has(part));
  if (views.length > 0 && !(isNarrower && overflow !== undefined)) return views;
  const key = rule.per.map((part) =>
    overflow !== undefined && !IDENTITY_PARTS.has(part) ? OVERFLOW : call[part],
  );
  return [...views, toView(rule, key, overflow)];
}

/** Does this overflow bucket serve the agent? */
function isSharedBy(agent: string, rule: LimitRule, key: readonly string[]): boolean {
  const value = key[rule.per.indexOf('agent')];
  return value === undefined || value === agent || value === OVERFLOW;
}

function lower(a: Standing | undefined, b: Standing): Standing {
  return a !== undefined && a.remaining < b.remaining ? a : b;
}

function toView(rule: LimitRule, key: readonly string[], standing: Standing | undefined): LimitView {
  const { capacity, windowMs } = rule.shape;
  const amount = (value: number): number | string => (rule.unit === 'USD' ? toUsd(value) : value);
  return {
    policy: policyLabel(policyOf(rule)),
    limit: rule.limit,
    unit: rule.unit,
    mode: rule.shadow ? 'Shadow' : 'Enforce',
    match: rule.match,
    key: Object.fromEntries(rule.per.map((part, i) => [part, key[i] ?? ''])),
    quota: amount(quotaOf(rule.shape)),
    windowSeconds: windowMs / 1_000,
    burst: amount(capacity),
    remaining: amount(standing?.remaining ?? capacity),
    usedPercent: standing?.usedPercent ?? 0,
    resetSeconds: Math.ceil((standing?.resetMs ?? 0) / 1_000),
  };
}
