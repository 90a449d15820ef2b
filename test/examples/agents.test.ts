// The agents run unchanged as child processes, and what they believe is what the provider billed.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { createProvider, type Provider } from '../../examples/provider/provider.ts';

type Belief = {
  readonly agent: string;
  readonly ok: number;
  readonly refused: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
};

const AGENTS = ['researcher', 'reviewer', 'runaway'] as const;

let provider: Provider;

afterEach(() => provider.close());

async function run(agent: string, env: Readonly<Record<string, string>>): Promise<Belief> {
  const file = new URL(`../../examples/agents/${agent}.ts`, import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    timeout: 20_000,
    env: {
      PATH: process.env.PATH,
      OPENAI_BASE_URL: provider.openaiBaseUrl,
      ANTHROPIC_BASE_URL: provider.anthropicBaseUrl,
      OPENAI_API_KEY: agent,
      ANTHROPIC_API_KEY: agent,
      ...env,
    },
  });
  const lines = stdout.trim().split('\n');
  expect(lines.slice(0, -1).every((line) => line.startsWith(`${agent}: `))).toBe(true);
  return JSON.parse(lines.at(-1) ?? '');
}

test.each(AGENTS)('%s ends by itself and believes what it was billed', async (agent) => {
  provider = await createProvider();
  const belief = await run(agent, {});
  await provider.meter.idle();
  const { calls, inputTokens, outputTokens } = provider.meter.total({ account: agent });
  expect(calls).toBeGreaterThan(1);
  expect(belief).toEqual({ agent, ok: calls, refused: 0, failed: 0, inputTokens, outputTokens });
});

test.each([
  { agent: 'researcher', count: { AGENT_STEPS: '3' } },
  { agent: 'reviewer', count: { AGENT_STEPS: '3' } },
  { agent: 'runaway', count: { AGENT_CALLS: '3' } },
])('the environment sets how often $agent calls, how much it sends and how much it takes', async ({
  agent,
  count,
}) => {
  provider = await createProvider();
  const few = await run(agent, { ...count, AGENT_PROMPT_WORDS: '1', AGENT_MAX_TOKENS: '2' });
  expect(few).toMatchObject({ ok: 3, outputTokens: 6 });
  const many = await run(agent, { ...count, AGENT_PROMPT_WORDS: '1000', AGENT_MAX_TOKENS: '2' });
  expect(many.inputTokens).toBeGreaterThan(few.inputTokens + 3 * 1000);
});

test.each(AGENTS)('%s counts refusals apart from failures and still ends well', async (agent) => {
  provider = await createProvider({
    behaviour: ({ arrival }) => ({
      status: { 2: 429, 3: 500 }[arrival.number] ?? 200,
      headers: { 'x-should-retry': 'false' },
    }),
  });
  const belief = await run(agent, { AGENT_STEPS: '4', AGENT_CALLS: '4', AGENT_LOOPS: '1' });
  expect(belief).toMatchObject({ ok: 2, refused: 1, failed: 1 });
});

test('the runaway calls several times at once, and its deadline ends calls that are held', async () => {
  provider = await createProvider({ behaviour: { thinkMs: 600_000 } });
  const belief = await run('runaway', { AGENT_SECONDS: '1', AGENT_LOOPS: '3' });
  await provider.meter.idle();
  expect(belief).toMatchObject({ ok: 0, refused: 0, failed: 0 });
  expect(provider.meter.report()).toMatchObject({ peakOpenCalls: 3, total: { calls: 3, cut: 3 } });
});
