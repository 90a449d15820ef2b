import { describe, expect, it } from 'vitest';
import type { Usage } from '../../../core/usage.ts';
import { type EndedCall, useOf } from '../../../sidecar/http-proxy/call-use.ts';
import type { MeteredCall, MeteredUse } from '../../../sidecar/meter.ts';
import type { UsageReader } from '../../../sidecar/protocol/protocol.ts';

const REPORT: Usage = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5 };

function toUse(usage: Usage): MeteredUse {
  const { inputTokens: input, outputTokens: output } = usage;
  return { usage, tokens: { input, output, total: input + output }, spendMicros: undefined };
}

/** Estimates 100 input tokens, and one output token for each byte seen. */
const METERED: MeteredCall = {
  cost: [],
  metering: 'complete',
  reported: (usage) => ({ use: toUse(usage), error: { text: 'prose', input: 0.5, output: undefined } }),
  guessed: (outputBytes, cut) =>
    toUse({
      ...REPORT,
      inputTokens: cut?.inputTokens ?? 100,
      outputTokens: Math.max(cut?.outputTokens ?? 0, outputBytes),
    }),
};

function reader(usage: Usage | undefined, outputBytes: number): UsageReader {
  return { push: (chunk) => chunk, end: () => Buffer.alloc(0), usage: () => usage, outputBytes };
}

const SENT = { wasSent: true, status: 200, metered: METERED, reader: reader(REPORT, 5) } as const;

describe('what a call is charged when it ends', () => {
  it.each<[string, EndedCall, string | undefined, [number, number] | undefined, boolean]>([
    [
      'nothing when it never left',
      { ...SENT, outcome: 'upstream-failed', wasSent: false },
      'unsent',
      undefined,
      false,
    ],
    [
      'the request when nothing is metered',
      { ...SENT, outcome: 'complete', metered: undefined },
      'counted',
      undefined,
      false,
    ],
    ['the report when it is whole', { ...SENT, outcome: 'complete' }, 'used', [10, 5], false],
    [
      'a report of an error answer too',
      { ...SENT, outcome: 'complete', status: 500 },
      'used',
      [10, 5],
      false,
    ],
    [
      'no tokens for an error without report',
      { ...SENT, outcome: 'complete', status: 429, reader: reader(undefined, 0) },
      'failed',
      undefined,
      false,
    ],
    [
      'no tokens when no answer came',
      { ...SENT, outcome: 'upstream-failed', status: 0, reader: undefined },
      'failed',
      undefined,
      false,
    ],
    [
      'the estimate when the caller left before the answer',
      { ...SENT, outcome: 'client-abort', status: 0, reader: undefined },
      'used',
      [100, 0],
      true,
    ],
    [
      'the estimate and what was seen without a report',
      { ...SENT, outcome: 'client-abort', reader: reader(undefined, 7) },
      'used',
      [100, 7],
      true,
    ],
    [
      'what a cut report names, or what was seen if that is more',
      { ...SENT, outcome: 'client-abort', reader: reader(REPORT, 9) },
      'used',
      [10, 9],
      true,
    ],
    [
      'what a cut report names if less was seen',
      { ...SENT, outcome: 'upstream-broken', reader: reader(REPORT, 2) },
      'used',
      [10, 5],
      true,
    ],
    [
      'as reserved when it ended well and nothing could be read',
      { ...SENT, outcome: 'complete', reader: reader(undefined, 0) },
      undefined,
      [100, 0],
      true,
    ],
  ])('is %s', (_rule, ended, ...[kind, tokens, estimated]) => {
    const use = useOf(ended);
    expect(use.ending?.kind).toBe(kind);
    expect(use.metered && [use.metered.tokens.input, use.metered.tokens.output]).toEqual(tokens);
    expect(use.estimated).toBe(estimated);
  });

  it('teaches the estimator only whole reports', () => {
    expect(useOf({ ...SENT, outcome: 'complete' }).error).toBeDefined();
    expect(useOf({ ...SENT, outcome: 'client-abort' }).error).toBeUndefined();
  });
});
