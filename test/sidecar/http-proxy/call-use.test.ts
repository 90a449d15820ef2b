import { describe, expect, it } from 'vitest';
import { createRequestCost } from '../../../core/cost.ts';
import type { Usage } from '../../../core/usage.ts';
import type { CallOutcome } from '../../../sidecar/call-observer.ts';
import { useOf } from '../../../sidecar/http-proxy/call-use.ts';
import type { MeteredCall, MeteredUse } from '../../../sidecar/meter.ts';

const REPORTED: Usage = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5 };

const toUse = (usage: Usage): MeteredUse => ({
  usage,
  tokens: {
    input: usage.inputTokens,
    output: usage.outputTokens,
    total: usage.inputTokens + usage.outputTokens,
  },
  spendMicros: undefined,
});

/** Guesses 100 tokens of input, and one of output for each byte that was seen. */
const metered: MeteredCall = {
  cost: createRequestCost(),
  metering: 'without-price',
  reported: (usage) => ({ use: toUse(usage), error: undefined }),
  guessed: (outputBytes, cut) =>
    toUse({
      ...REPORTED,
      inputTokens: cut?.inputTokens ?? 100,
      outputTokens: Math.max(cut?.outputTokens ?? 0, outputBytes),
    }),
};

type Case = {
  readonly outcome: CallOutcome;
  readonly wasSent?: boolean;
  readonly status: number;
  readonly usage?: Usage;
  readonly outputBytes?: number;
};

function endingOf(
  { outcome, wasSent = true, status, usage, outputBytes = 0 }: Case,
  call: MeteredCall | undefined,
) {
  const reader = {
    outputBytes,
    usage: () => usage,
    push: (chunk: Buffer) => chunk,
    end: () => Buffer.alloc(0),
  };
  return useOf({ outcome, wasSent, status, metered: call, reader: status === 0 ? undefined : reader });
}

const used = (input: number, output: number) => ({
  kind: 'used',
  tokens: { input, output, total: input + output },
});

describe('a model call', () => {
  it.each<{ what: string; given: Case; ending: object | undefined; estimated: boolean }>([
    {
      what: 'never sent costs nothing',
      given: { outcome: 'upstream-failed', wasSent: false, status: 0 },
      ending: { kind: 'unsent' },
      estimated: false,
    },
    {
      what: 'with a whole report costs the report',
      given: { outcome: 'complete', status: 200, usage: REPORTED, outputBytes: 99 },
      ending: used(10, 5),
      estimated: false,
    },
    {
      what: 'refused by the upstream with a report costs the report',
      given: { outcome: 'complete', status: 429, usage: REPORTED },
      ending: used(10, 5),
      estimated: false,
    },
    {
      what: 'refused by the upstream costs the request alone',
      given: { outcome: 'complete', status: 400 },
      ending: { kind: 'failed' },
      estimated: false,
    },
    {
      what: 'that its upstream never answered costs the request alone',
      given: { outcome: 'upstream-failed', status: 0 },
      ending: { kind: 'failed' },
      estimated: false,
    },
    {
      what: 'that its caller left before the answer costs its estimated input',
      given: { outcome: 'client-abort', status: 0 },
      ending: used(100, 0),
      estimated: true,
    },
    {
      what: 'cut off after an early report costs the output that was seen',
      given: {
        outcome: 'client-abort',
        status: 200,
        usage: { ...REPORTED, outputTokens: 1 },
        outputBytes: 40,
      },
      ending: used(10, 40),
      estimated: true,
    },
    {
      what: 'cut off without a report costs what was seen of it',
      given: { outcome: 'upstream-broken', status: 200, outputBytes: 40 },
      ending: used(100, 40),
      estimated: true,
    },
    {
      what: 'that ended well and cannot be read costs what was reserved',
      given: { outcome: 'complete', status: 200 },
      ending: undefined,
      estimated: true,
    },
    {
      what: 'that ended well without a report costs what was seen of it',
      given: { outcome: 'complete', status: 200, outputBytes: 40 },
      ending: used(100, 40),
      estimated: true,
    },
  ])('$what', ({ given, ending, estimated }) => {
    const use = endingOf(given, metered);
    if (ending === undefined) expect(use.ending).toBeUndefined();
    else expect(use.ending).toMatchObject(ending);
    expect(use.estimated).toBe(estimated);
  });
});

describe('a call that is only counted', () => {
  it.each<{ given: Case; kind: string }>([
    { given: { outcome: 'complete', status: 200 }, kind: 'counted' },
    { given: { outcome: 'complete', status: 500 }, kind: 'counted' },
    { given: { outcome: 'upstream-failed', wasSent: false, status: 0 }, kind: 'unsent' },
  ])('costs the request once it was sent: $given', ({ given, kind }) => {
    expect(endingOf(given, undefined).ending).toEqual({ kind });
  });
});
