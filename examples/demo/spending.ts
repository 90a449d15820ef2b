// Who spent what: the provider's books beside the summary of flyball.

import type { Meter, Totals } from '../provider/meter.ts';

/** What one agent really cost, as the provider wrote it down. */
export type Spending = Pick<Totals, 'calls' | 'inputTokens' | 'outputTokens' | 'costMicros'>;

/** One row of flyball's `--summary json`. */
export type UsageRow = {
  readonly agent: string;
  readonly admitted: number;
  readonly held: number;
  readonly refused: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly spendMicros: number;
};

/** One agent in both runs. */
export type Comparison = {
  readonly agent: string;
  readonly without: Spending;
  readonly governed: Spending;
  readonly flyball: UsageRow;
};

export const AGENTS = ['researcher', 'reviewer', 'runaway'] as const;

/** The provider's figures of every agent. Its API key is its account. */
export function readSpending(meter: Meter): ReadonlyMap<string, Spending> {
  return new Map(AGENTS.map((agent) => [agent, meter.total({ account: agent })]));
}

/** Differences between the provider's books and flyball's: one sentence each. */
export function findDifferences(rows: readonly Comparison[]): string[] {
  return rows.flatMap(({ agent, governed, flyball }) => {
    const pairs: readonly (readonly [what: string, provider: number, ours: number, tolerance: number])[] = [
      ['calls', governed.calls, flyball.admitted, 0],
      ['input tokens', governed.inputTokens, flyball.inputTokens, 0],
      ['output tokens', governed.outputTokens, flyball.outputTokens, 0],
      // Flyball rounds each call up to a whole micro-dollar, the provider its sum.
      ['micro-dollars', governed.costMicros, flyball.spendMicros, governed.calls],
    ];
    return pairs
      .filter(([, provider, ours, tolerance]) => Math.abs(provider - ours) > tolerance)
      .map(([what, provider, ours]) => `${agent}: the provider counted ${provider} ${what}, flyball ${ours}`);
  });
}

const HEAD = [
  '',
  'calls',
  'held',
  'refused',
  'input tokens',
  'output tokens',
  'USD',
  '  ',
  'calls',
  'tokens',
  'USD',
];

/** The end table: the governed run on the left, the run without flyball on the right; all figures the provider's. */
export function renderComparison(rows: readonly Comparison[]): string {
  const cells = [...rows, sum(rows)].map(({ agent, without, governed, flyball }) => [
    agent,
    ...[governed.calls, flyball.held, flyball.refused, governed.inputTokens, governed.outputTokens].map(
      String,
    ),
    toUsd(governed.costMicros),
    '',
    String(without.calls),
    String(without.inputTokens + without.outputTokens),
    toUsd(without.costMicros),
  ]);
  const widths = HEAD.map((head, i) => Math.max(head.length, ...cells.map((cell) => cell[i]?.length ?? 0)));
  const line = (cell: readonly string[]): string =>
    cell
      .map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const leftWidth = widths.slice(0, 7).reduce((total, width) => total + width + 2, 0);
  return [`${'with flyball'.padEnd(leftWidth + 4)}without`, line(HEAD), ...cells.map(line)].join('\n');
}

function sum(rows: readonly Comparison[]): Comparison {
  const add = (a: Spending, b: Spending): Spending => ({
    calls: a.calls + b.calls,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    costMicros: a.costMicros + b.costMicros,
  });
  return rows.reduce((total, row) => ({
    agent: 'together',
    without: add(total.without, row.without),
    governed: add(total.governed, row.governed),
    flyball: {
      ...row.flyball,
      held: total.flyball.held + row.flyball.held,
      refused: total.flyball.refused + row.flyball.refused,
    },
  }));
}

function toUsd(micros: number): string {
  return (micros / 1_000_000).toFixed(4);
}
