import { describe, expect, it } from 'vitest';
import { UsageTotals } from '../../sidecar/usage-totals.ts';
import { createCall } from '../core/sample-rules.ts';

const USAGE = { inputTokens: 10, cacheReadTokens: 3, cacheWriteTokens: 2, outputTokens: 5 };

describe('the usage totals', () => {
  it('sum decisions and settlements by agent, upstream and model', () => {
    const totals = new UsageTotals();
    const call = createCall({ agent: 'a', model: 'm' });
    totals.decided(call, undefined, 0);
    totals.decided(call, undefined, 250);
    totals.decided(call, 'THROTTLED', 0);
    totals.settled(call, USAGE, 7);
    totals.decided(createCall({ agent: 'b', model: 'm' }), 'FORBIDDEN', 0);
    expect(totals.rows()).toMatchObject([
      {
        agent: 'a',
        subject: 'm',
        admitted: 2,
        held: 1,
        heldMs: 250,
        refused: 1,
        refusals: { THROTTLED: 1 },
        inputTokens: 15,
        outputTokens: 5,
        spendMicros: 7,
      },
      { agent: 'b', subject: 'm', admitted: 0, refused: 1, refusals: { FORBIDDEN: 1 } },
    ]);
  });

  it('name the tool where there is no model', () => {
    const totals = new UsageTotals();
    totals.decided(createCall({ kind: 'HTTP', tool: 'search', model: 'unknown' }), undefined, 0);
    expect(totals.rows()).toMatchObject([{ subject: 'search' }]);
  });

  it('stay bounded when callers make models up, and lose no count', () => {
    const totals = new UsageTotals();
    for (let i = 0; i < 3_000; i++) totals.decided(createCall({ model: `m${i}` }), undefined, 0);
    const rows = totals.rows();
    expect(rows.length).toBeLessThanOrEqual(1_001);
    expect(rows.reduce((sum, { admitted }) => sum + admitted, 0)).toBe(3_000);
  });
});
