import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { RawPolicy } from '../../../core/policy/description.ts';
import { parsePolicy } from '../../../core/policy/parse.ts';
import { placesOf } from './policies.ts';

/** Every field of the language, spelled as a person spells it. */
const WHOLE = `
apiVersion: flyball.dev/v1alpha1
kind: RateLimitPolicy
metadata: {name: whole, namespace: agents, labels: {team: a}, annotations: {why: "because"}}
spec:
  selector: {matchLabels: {app: code-review}}
  mode: Enforce
  priority: Normal
  failureMode: Share
  limits:
  - name: output
    match:
      kinds: [LLM]
      models: ["gpt-4*"]
      upstreams: ["openai"]
      when: 'call.user != "ci"'
    per: [user, model]
    unit: OutputTokens
    rates:
    - {limit: 50k, window: 1m, burst: 10k}
    - {limit: 1M, window: 24h, strict: true}
    reserve: Learned
    onLimit: {action: Hold, maxWait: 2s}
    warnAt: [50, 80, 95]
    mode: Shadow
  - name: month
    unit: USD
    budget: {limit: "25.00", period: Month, timeZone: Europe/Paris}
  - name: slots
    unit: Concurrency
    max: 10
  - name: email
    match: {tools: [send_email]}
    unit: ToolCalls
    rates: [{limit: 5, window: 1h}]
  restrictedTools: ["delete_*"]
  allowedTools: ["*"]
  adaptive:
    targets: [{upstreams: ["billing-db"], latency: {percentile: 95, objective: 800ms}, errors: {objective: 5}}]
    minPercent: 5
  longRunning: [{tools: ["build_report"], after: 30s, resultTTL: 1h}]
  anomaly: {action: Alert}
`;

describe('the whole language', () => {
  it('is valid; what is not enforced yet is refused as that and nothing else', () => {
    const parsed = parsePolicy(parse(WHOLE));
    expect(placesOf(parsed)).toEqual([
      'unsupported spec.limits[0].match.when',
      'unsupported spec.limits[0].rates[1].strict',
      'unsupported spec.limits[1].budget',
      'unsupported spec.limits[3].unit',
      'unsupported spec.adaptive',
      'unsupported spec.longRunning',
      'unsupported spec.anomaly.action',
    ]);
  });

  it('has a type for people who write policies in TypeScript', () => {
    const written: RawPolicy = {
      apiVersion: 'flyball.dev/v1alpha1',
      kind: 'RateLimitPolicy',
      metadata: { name: 'typed' },
      spec: {
        limits: [{ name: 'calls', unit: 'Requests', rates: [{ limit: '5k', window: '1h', burst: 10 }] }],
      },
    };
    expect(parsePolicy(written)).toMatchObject({ kind: 'valid', policy: { name: 'typed' } });
  });
});
