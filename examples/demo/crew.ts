// Runs the three agents beside each other and waits for them. Under flyball each gets a base URL with its own name, so
// that they share one sidecar and still have limits of their own; without it they talk to the provider directly.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What each agent is asked to do. The last one has gone wrong: it ignores every refusal. */
const AGENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  researcher: { AGENT_STEPS: '8', AGENT_PROMPT_WORDS: '60', AGENT_MAX_TOKENS: '96' },
  reviewer: { AGENT_STEPS: '8', AGENT_PROMPT_WORDS: '60', AGENT_MAX_TOKENS: '96' },
  runaway: {
    AGENT_CALLS: '240',
    AGENT_SECONDS: '30',
    AGENT_LOOPS: '4',
    AGENT_PROMPT_WORDS: '40',
    AGENT_MAX_TOKENS: '32',
  },
};

const codes = await Promise.all(Object.keys(AGENTS).map(runAgent));
process.exitCode = Math.max(...codes);

function runAgent(name: string): Promise<number> {
  const script = fileURLToPath(new URL(`../agents/${name}.ts`, import.meta.url));
  const env = {
    ...process.env,
    ...AGENTS[name],
    ...baseUrls(name),
    OPENAI_API_KEY: name,
    ANTHROPIC_API_KEY: name,
  };
  return new Promise((resolve) => {
    spawn(process.execPath, [script], { env, stdio: 'inherit' }).once('exit', (code) => resolve(code ?? 1));
  });
}

/** FLYBALL_URL ends in the name under which the whole crew runs; each agent has its own there. */
function baseUrls(name: string): NodeJS.ProcessEnv {
  const base = process.env.FLYBALL_URL?.replace(/\/@[^/]*$/, `/@${name}`);
  return base === undefined
    ? {}
    : { OPENAI_BASE_URL: `${base}/openai/v1`, ANTHROPIC_BASE_URL: `${base}/anthropic` };
}
