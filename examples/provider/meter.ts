// The provider's own books: what really arrived, was answered and was generated, whoever sits in between.

import { type Price, toCostPicos } from './prices.ts';
import type { Charge } from './reply.ts';

/** One call as it arrived. */
export type Arrival = {
  /** From 1, over the life of the provider. */
  readonly number: number;
  /** The API key that was sent, so keys must be made up; ANONYMOUS without one. */
  readonly account: string;
  /** The route, such as `/v1/messages` or `/tools/search`; `other` for paths that the provider does not know. */
  readonly path: string;
  /** Monotonic milliseconds since the provider started. */
  readonly atMs: number;
};

/** Sums over some calls. `calls` is the calls that ended and the calls still open. */
export type Totals = {
  readonly calls: number;
  /** Answers whose head was sent, by status. */
  readonly answersByStatus: Readonly<Record<string, number>>;
  /** Calls whose answer was sent to its end. */
  readonly completed: number;
  /** Calls that ended before that: caller gone, or a fault. */
  readonly cut: number;
  /** Neither read from nor written to a cache. */
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Tokens that were generated, those of cut answers included. */
  readonly outputTokens: number;
  /** Rounded up once, at the end. Models without a price cost nothing. */
  readonly costMicros: number;
};

export type MeterReport = {
  readonly total: Totals;
  readonly accounts: Readonly<Record<string, Totals>>;
  readonly paths: Readonly<Record<string, Totals>>;
  readonly openCalls: number;
  /** The most calls that were open at once. */
  readonly peakOpenCalls: number;
  /** The newest arrivals, oldest first, at most MAX_ARRIVALS. */
  readonly arrivals: readonly Arrival[];
};

/** What readers may do. */
export interface Meter {
  /** Sums of the calls of one account, one path, both, or all. */
  total(filter?: { readonly account?: string; readonly path?: string }): Totals;
  report(): MeterReport;
  /** Forgets all sums and arrivals. Calls open now stay open but are counted nowhere else. */
  reset(): void;
  /** Resolves when no call is open, so that a test can read final figures. */
  idle(): Promise<void>;
}

/** What the provider does with one call. `end` comes once, at the end. */
export interface OpenCall {
  readonly arrival: Arrival;
  /** The head of an answer is being sent. */
  answer(status: number): void;
  /** Input is being processed, or output was generated: add it to the bill. */
  bill(charge: Charge): void;
  end(outcome: 'completed' | 'cut'): void;
}

export interface MeterBooks extends Meter {
  arrive(account: string, path: string): OpenCall;
}

export const ANONYMOUS = 'anonymous';
export const MAX_ARRIVALS = 10_000;

type MutableTotals = { -readonly [K in keyof Totals]: Totals[K] };
type Line = {
  readonly account: string;
  readonly path: string;
  readonly totals: Omit<MutableTotals, 'costMicros' | 'answersByStatus'> & {
    answersByStatus: Record<string, number>;
    costPicos: number;
  };
};

/** `nowMs` is monotonic. */
export function createMeter(prices: readonly Price[], nowMs: () => number): MeterBooks {
  const startMs = nowMs();
  const lines = new Map<string, Line>();
  const waiting = new Set<() => void>();
  let arrivals: Arrival[] = [];
  let calls = 0;
  let openCalls = 0;
  let peakOpenCalls = 0;

  const findLine = (account: string, path: string): Line => {
    const key = JSON.stringify([account, path]);
    const line = lines.get(key) ?? { account, path, totals: createSums() };
    lines.set(key, line);
    return line;
  };
  const leave = (): void => {
    openCalls -= 1;
    if (openCalls > 0) return;
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const total: Meter['total'] = (filter = {}) =>
    sumLines(
      [...lines.values()].filter(
        (line) =>
          (filter.account === undefined || line.account === filter.account) &&
          (filter.path === undefined || line.path === filter.path),
      ),
    );

  return {
    arrive: (account, path) => {
      calls += 1;
      openCalls += 1;
      peakOpenCalls = Math.max(peakOpenCalls, openCalls);
      const arrival: Arrival = { number: calls, account, path, atMs: nowMs() - startMs };
      arrivals.push(arrival);
      // Cut in halves, so that a long run does not move the whole list at each call.
      if (arrivals.length >= 2 * MAX_ARRIVALS) arrivals = arrivals.slice(-MAX_ARRIVALS);
      return openCall(arrival, findLine(account, path), { prices, leave });
    },
    total,
    report: () => ({
      total: total(),
      accounts: groupTotals([...lines.values()], 'account'),
      paths: groupTotals([...lines.values()], 'path'),
      openCalls,
      peakOpenCalls,
      arrivals: arrivals.slice(-MAX_ARRIVALS),
    }),
    reset: () => {
      lines.clear();
      arrivals = [];
      peakOpenCalls = openCalls;
    },
    idle: () => (openCalls === 0 ? Promise.resolve() : new Promise((resolve) => waiting.add(resolve))),
  };
}

function openCall(
  arrival: Arrival,
  line: Line,
  books: { readonly prices: readonly Price[]; readonly leave: () => void },
): OpenCall {
  const { totals } = line;
  totals.calls += 1;
  return {
    arrival,
    answer: (status) => {
      totals.answersByStatus[status] = (totals.answersByStatus[status] ?? 0) + 1;
    },
    bill: ({ model, tokens }) => {
      totals.inputTokens += tokens.input;
      totals.cacheReadTokens += tokens.cacheRead;
      totals.cacheWriteTokens += tokens.cacheWrite;
      totals.outputTokens += tokens.output;
      totals.costPicos += toCostPicos(books.prices, model, tokens);
    },
    end: (outcome) => {
      totals[outcome] += 1;
      books.leave();
    },
  };
}

function createSums(): Line['totals'] {
  return {
    calls: 0,
    answersByStatus: {},
    completed: 0,
    cut: 0,
    inputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    costPicos: 0,
  };
}

function sumLines(lines: Iterable<Line>): Totals {
  const sums = createSums();
  for (const { totals } of lines) {
    sums.calls += totals.calls;
    sums.completed += totals.completed;
    sums.cut += totals.cut;
    sums.inputTokens += totals.inputTokens;
    sums.cacheReadTokens += totals.cacheReadTokens;
    sums.cacheWriteTokens += totals.cacheWriteTokens;
    sums.outputTokens += totals.outputTokens;
    sums.costPicos += totals.costPicos;
    for (const [status, count] of Object.entries(totals.answersByStatus)) {
      sums.answersByStatus[status] = (sums.answersByStatus[status] ?? 0) + count;
    }
  }
  const { costPicos, ...totals } = sums;
  return { ...totals, costMicros: Math.ceil(costPicos / 1_000_000) };
}

function groupTotals(lines: readonly Line[], by: 'account' | 'path'): Readonly<Record<string, Totals>> {
  const names = new Set(lines.map((line) => line[by]));
  return Object.fromEntries(
    [...names].map((name) => [name, sumLines(lines.filter((line) => line[by] === name))]),
  );
}
