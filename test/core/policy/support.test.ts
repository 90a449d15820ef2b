import { describe, expect, it } from 'vitest';
import { fieldsAt } from '../../../core/policy/fields.ts';
import { parsePolicy } from '../../../core/policy/parse.ts';
import { UNSUPPORTED } from '../../../core/policy/support.ts';
import { placesOf, problemsOf, withLimit, withRate, withSpec, withTop } from './policies.ts';

const cluster = withTop({ kind: 'ClusterRateLimitPolicy', metadata: { name: 'a' } });
const budget = withLimit({ rates: undefined, budget: { limit: '5', period: 'Day' } });
const adaptive = withSpec({ adaptive: { targets: [{ upstreams: ['db'] }] } });
const longRunning = withSpec({ longRunning: [{ tools: ['report'], after: '30s' }] });

/** Each use of what is not supported yet: the document has this one problem and no other. */
const ROWS: readonly (readonly [path: string, document: unknown, fragment: string])[] = [
  ['kind', cluster, 'policies for many namespaces'],
  ['spec.priority', withSpec({ priority: 'Critical' }), 'priorities'],
  ['spec.priority', withSpec({ priority: 'High' }), 'priorities'],
  ['spec.priority', withSpec({ priority: 'Low' }), 'priorities'],
  ['spec.priority', withSpec({ priority: 'Background' }), 'priorities'],
  ['spec.failureMode', withSpec({ failureMode: 'Closed' }), 'failure modes'],
  ['spec.failureMode', withSpec({ failureMode: 'Open' }), 'failure modes'],
  [
    'spec.limits[0].match.kinds[1]',
    withLimit({ match: { kinds: ['LLM', 'Tool'] } }),
    'kind Tool; write HTTP',
  ],
  ['spec.limits[0].match.when', withLimit({ match: { when: 'call.user != "ci"' } }), 'CEL expressions'],
  ['spec.limits[0].unit', withLimit({ unit: 'ToolCalls' }), 'as units; count Requests'],
  ['spec.limits[0].unit', withLimit({ unit: 'ComputeSeconds' }), 'as units; count Requests'],
  ['spec.limits[0].rates[0].strict', withRate({ strict: true }), 'strict windows'],
  ['spec.limits[0].budget', budget, 'budgets by calendar period'],
  ['spec.adaptive', adaptive, 'adaptive limits'],
  ['spec.longRunning', longRunning, 'tasks for long calls'],
  ['spec.anomaly.action', withSpec({ anomaly: { action: 'Alert' } }), 'anomaly detection'],
  ['spec.anomaly.action', withSpec({ anomaly: { action: 'Throttle' } }), 'anomaly detection'],
  ['spec.anomaly.action', withSpec({ anomaly: { action: 'Quarantine' } }), 'anomaly detection'],
];

describe('what is valid and not enforced yet', () => {
  it.each(ROWS)('is refused at %s, never accepted and ignored', (path, document, fragment) => {
    const parsed = parsePolicy(document);
    expect(problemsOf(parsed)).toEqual([
      {
        path,
        kind: 'unsupported',
        value: expect.stringMatching(/./),
        message: expect.stringMatching(`^not supported yet: .*${fragment}`),
      },
    ]);
  });

  it('has a row of this table for every row of the list', () => {
    const covered = ROWS.map(([path]) => path.replaceAll(/\[\d\]/g, '[]'));
    for (const { field, refused } of UNSUPPORTED) {
      const uses = covered.filter((path) => path === field).length;
      expect(`${field}: ${uses}`).toBe(`${field}: ${refused === 'any' ? 1 : refused.length}`);
    }
  });

  it('is reported in every limit and every rate, beside what is invalid', () => {
    const rates = [
      { limit: 1, window: '1s', strict: true },
      { limit: 1, window: '1m', strict: true },
    ];
    const parsed = parsePolicy(withSpec({ mode: 'Off', limits: [{ name: 'a', unit: 'ToolCalls', rates }] }));
    expect(placesOf(parsed)).toEqual([
      'unsupported spec.limits[0].unit',
      'unsupported spec.limits[0].rates[0].strict',
      'unsupported spec.limits[0].rates[1].strict',
      'invalid spec.mode',
    ]);
  });

  it('names only fields that the description has', () => {
    for (const { field: place } of UNSUPPORTED) {
      const field = place.replace(/\[\]$/, '');
      const end = field.lastIndexOf('.');
      expect(fieldsAt('RateLimitPolicy', field.slice(0, Math.max(0, end)))).toContain(field.slice(end + 1));
    }
  });
});

describe('explicit defaults are accepted:', () => {
  it.each([
    ['priority', withSpec({ priority: 'Normal' })],
    ['failureMode', withSpec({ failureMode: 'Share' })],
    ['anomaly', withSpec({ anomaly: { action: 'Off' } })],
    ['strict', withRate({ strict: false })],
    ['match', withLimit({ match: {} })],
  ])('%s', (_, document) => {
    expect(parsePolicy(document).kind).toBe('valid');
  });
});
