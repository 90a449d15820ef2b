// Who spent what, as a table for people.

import { toUsd } from '../core/policy/usd.ts';
import type { UsageRow } from '../sidecar/usage-totals.ts';

const HEAD = [
  'agent',
  'upstream',
  'model or tool',
  'calls',
  'held',
  'refused',
  'input tokens',
  'output tokens',
  'USD',
];

/** Columns that hold text; the others are numbers and stand to the right. */
const TEXT_COLUMNS = 3;

/** The table, with a line of totals when there is more than one row. Ends with a line break. */
export function renderUsageTable(rows: readonly UsageRow[]): string {
  if (rows.length === 0) return 'No calls were made through flyball.\n';
  const cells = rows.map((row) => [row.agent, row.upstream, row.subject, ...numbersOf(row)]);
  if (rows.length > 1) cells.push(['total', '', '', ...numbersOf(sum(rows))]);
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...cells.map((cell) => cell[column]?.length ?? 0)),
  );
  const line = (cell: readonly string[]): string =>
    cell
      .map((text, column) =>
        column < TEXT_COLUMNS ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${[HEAD, widths.map((width) => '-'.repeat(width)), ...cells].map(line).join('\n')}\n`;
}

function numbersOf(row: Omit<UsageRow, 'agent' | 'upstream' | 'subject' | 'refusals'>): string[] {
  return [row.admitted, row.held, row.refused, row.inputTokens, row.outputTokens]
    .map(String)
    .concat(toUsd(row.spendMicros));
}

function sum(rows: readonly UsageRow[]): Omit<UsageRow, 'agent' | 'upstream' | 'subject' | 'refusals'> {
  const total = {
    admitted: 0,
    held: 0,
    heldMs: 0,
    refused: 0,
    inputTokens: 0,
    outputTokens: 0,
    spendMicros: 0,
  };
  for (const row of rows) {
    total.admitted += row.admitted;
    total.held += row.held;
    total.heldMs += row.heldMs;
    total.refused += row.refused;
    total.inputTokens += row.inputTokens;
    total.outputTokens += row.outputTokens;
    total.spendMicros += row.spendMicros;
  }
  return total;
}
