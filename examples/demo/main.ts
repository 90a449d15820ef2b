// `make demo`: the same three agents without and with flyball, and who spent what. Nothing leaves this machine: the
// provider is a mock, and its own books are the judge.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createProvider, type Provider } from '../provider/provider.ts';
import { startLiveView } from './live-view.ts';
import {
  AGENTS,
  type Comparison,
  findDifferences,
  readSpending,
  renderComparison,
  type Spending,
  type UsageRow,
} from './spending.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** What a model needs to think; long enough that calls overlap. */
const THINK_MS = 120;
const NO_SPENDING: Spending = { calls: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 };
const NO_USAGE = { admitted: 0, held: 0, refused: 0, inputTokens: 0, outputTokens: 0, spendMicros: 0 };

const provider = await createProvider({ behaviour: { thinkMs: THINK_MS } });
try {
  process.exitCode = await compare(provider);
} finally {
  await provider.close();
}

async function compare(upstream: Provider): Promise<number> {
  say('Three agents on the official SDKs: a researcher (openai), a reviewer (@anthropic-ai/sdk),');
  say('and a runaway loop that ignores every refusal. The provider is a mock on this machine.\n');
  say('1. Without flyball');
  await runCrew(upstream, [process.execPath, pathOf('./crew.ts')]);
  const without = readSpending(upstream.meter);
  upstream.meter.reset();

  say('\n2. With flyball: the same command behind `flyball run --policies examples/demo/policies.yaml --`');
  const command = [
    pathOf('../../bin/flyball'),
    'run',
    '--agent',
    'crew',
    '--agents',
    AGENTS.join(','),
    '--policies',
    pathOf('./policies.yaml'),
  ];
  const summary = await runCrew(upstream, [
    ...command,
    '--summary',
    'json',
    '--',
    process.execPath,
    pathOf('./crew.ts'),
  ]);
  const governed = readSpending(upstream.meter);
  const usage = readSummary(summary);
  const rows: Comparison[] = AGENTS.map((agent) => ({
    agent,
    without: without.get(agent) ?? NO_SPENDING,
    governed: governed.get(agent) ?? NO_SPENDING,
    flyball: usage.get(agent) ?? { agent, ...NO_USAGE },
  }));

  say(`\nWho spent what, by the provider's own books:\n\n${renderComparison(rows)}\n`);
  const differences = findDifferences(rows);
  for (const difference of differences) say(`DIFFERENT: ${difference}`);
  if (differences.length === 0) say("Flyball's own figures agree with the provider's, agent by agent.");
  return differences.length === 0 ? 0 : 1;
}

/** Runs the agents to their end and returns what stood on standard error. */
async function runCrew(upstream: Provider, [file = '', ...args]: readonly string[]): Promise<string> {
  const env = {
    ...process.env,
    OPENAI_BASE_URL: upstream.openaiBaseUrl,
    ANTHROPIC_BASE_URL: upstream.anthropicBaseUrl,
  };
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let lines = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const view = startLiveView(upstream.meter, process.stdout.isTTY, (text) => void process.stdout.write(text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  view.stop();
  await upstream.meter.idle();
  for (const line of lines.split('\n').filter((text) => text !== '' && !text.startsWith('{')))
    say(`  ${line}`);
  if (code !== 0) throw new Error(`the agents ended with ${code}:\n${errors}`);
  return errors;
}

/** Flyball's totals by agent. */
function readSummary(errors: string): ReadonlyMap<string, UsageRow> {
  const line = errors.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`flyball printed no summary:\n${errors}`);
  const { usage } = JSON.parse(line) as { usage: UsageRow[] }; // Written by `flyball run --summary json`.
  const totals = new Map<string, UsageRow>();
  for (const row of usage) {
    const earlier = totals.get(row.agent) ?? { agent: row.agent, ...NO_USAGE };
    totals.set(row.agent, {
      agent: row.agent,
      admitted: earlier.admitted + row.admitted,
      held: earlier.held + row.held,
      refused: earlier.refused + row.refused,
      inputTokens: earlier.inputTokens + row.inputTokens,
      outputTokens: earlier.outputTokens + row.outputTokens,
      spendMicros: earlier.spendMicros + row.spendMicros,
    });
  }
  return totals;
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
