import { afterEach, describe, expect, it } from 'vitest';
import { createProvider } from '../../../examples/provider/provider.ts';
import { type Governed, policyOf, startGoverned } from '../governed.ts';
import { askChat, type ChatOutcome, chatBody } from './chat.ts';

const THINK_MS = 300;
const CALLS = 400;

let governed: Governed | undefined;
afterEach(async () => {
  await governed?.close();
  governed = undefined;
});

async function burst(target: Governed, count: number, body: Record<string, unknown>): Promise<ChatOutcome[]> {
  return Promise.all(Array.from({ length: count }, () => askChat(target, body)));
}

function admitted(outcomes: readonly ChatOutcome[]): number {
  return outcomes.filter(({ status }) => status === 200).length;
}

describe('400 calls at once', () => {
  it.each([
    ['plain', false],
    ['streamed', true],
  ])('against a limit of 100 requests admit exactly 100 (%s)', async (_name, stream) => {
    governed = await startGoverned({
      policies: policyOf([
        '{name: r, unit: Requests, rates: [{limit: 100, window: 1h}], onLimit: {action: Deny}}',
      ]),
      provider: { behaviour: { thinkMs: THINK_MS } },
    });
    const outcomes = await burst(governed, CALLS, chatBody({ stream }));
    expect(admitted(outcomes)).toBe(100);
    expect(outcomes.filter(({ status }) => status === 429)).toHaveLength(300);
    expect(governed.provider.meter.total().calls).toBe(100);
    expect(outcomes.every(({ complete }) => complete)).toBe(true);
  });

  it('against a token limit worth 100 of them admit at least 90 before any refund, and the rest as refunds arrive', async () => {
    const cost = await costOfOneCall();
    governed = await startGoverned({
      policies: policyOf([
        `{name: t, per: [user], unit: TotalTokens, rates: [{limit: ${100 * cost}, window: 744h}], onLimit: {action: Deny}}`,
      ]),
      // Only the measured calls think, and so long that none has ended when the last one is decided, on a busy machine too.
      provider: { behaviour: ({ body }) => ({ thinkMs: body.includes('measured') ? 5 * THINK_MS : 0 }) },
    });
    await learn(governed);
    governed.provider.meter.reset();
    const outcomes = await burst(governed, CALLS, chatBody({ user: 'measured' }));
    const atOnce = governed.provider.meter.report().peakOpenCalls;
    expect(admitted(outcomes)).toBeGreaterThanOrEqual(atOnce);
    expect(atOnce).toBeGreaterThanOrEqual(90);
    const later = await askUntilRefused(governed, chatBody({ user: 'measured' }));
    const { inputTokens, outputTokens, calls } = governed.provider.meter.total();
    expect(inputTokens + outputTokens).toBeLessThanOrEqual(100 * cost);
    expect(calls).toBeGreaterThanOrEqual(99);
    expect(calls).toBeLessThanOrEqual(100);
    expect(later.status).toBe(429);
  });
});

/** What the provider bills for one call, read from its own meter without a sidecar. */
async function costOfOneCall(): Promise<number> {
  const provider = await createProvider();
  await askChat(provider, chatBody({}));
  const { inputTokens, outputTokens } = provider.meter.total();
  await provider.close();
  return inputTokens + outputTokens;
}

/** Lets the sidecar see what such calls cost. */
async function learn(target: Governed): Promise<void> {
  for (let i = 0; i < 60; i++) await askChat(target, chatBody({ user: 'teacher' }));
}

async function askUntilRefused(target: Governed, body: Record<string, unknown>): Promise<ChatOutcome> {
  for (;;) {
    const outcome = await askChat(target, body);
    if (outcome.status !== 200) return outcome;
  }
}
