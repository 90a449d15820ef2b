import { describe, expect, it } from 'vitest';
import { renderUsageTable } from '../../cli/usage-table.ts';

const ROW = {
  agent: 'coder',
  upstream: 'openai',
  subject: 'gpt-5-mini',
  admitted: 12,
  held: 3,
  heldMs: 900,
  refused: 7,
  refusals: { THROTTLED: 7 },
  inputTokens: 1234,
  outputTokens: 56,
  spendMicros: 421_000,
} as const;

describe('the usage table', () => {
  it('has a column for every figure, words to the left and numbers to the right', () => {
    expect(renderUsageTable([ROW])).toBe(
      [
        'agent  upstream  model or tool  calls  held  refused  input tokens  output tokens   USD',
        '-----  --------  -------------  -----  ----  -------  ------------  -------------  ----',
        'coder  openai    gpt-5-mini        12     3        7          1234             56  0.421',
        '',
      ]
        .join('\n')
        .replace('  ----\n', '  -----\n')
        .replace('   USD', '    USD'),
    );
  });

  it('adds a line of totals when there is more than one row', () => {
    const lines = renderUsageTable([ROW, { ...ROW, agent: 'tester', spendMicros: 79_000 }])
      .trimEnd()
      .split('\n');
    expect(lines.at(-1)?.split(/\s+/)).toEqual(['total', '24', '6', '14', '2468', '112', '0.50']);
  });

  it('says so when there were no calls', () => {
    expect(renderUsageTable([])).toBe('No calls were made through flyball.\n');
  });
});
