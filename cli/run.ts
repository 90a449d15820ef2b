// `flyball run --policies PATH -- COMMAND...`: one sidecar and one command beside each other.

import { basename } from 'node:path';
import { policyOf, selects } from '../core/policy/plan.ts';
import { policyLabel } from '../core/refusal.ts';
import { createLineWriter } from '../runtime/line-writer.ts';
import { createLog } from '../runtime/log.ts';
import { Problem } from '../runtime/problem.ts';
import { oneOf } from '../runtime/setting-parsers.ts';
import type { SettingsOf } from '../runtime/settings.ts';
import { createPolicyDirectory } from '../sidecar/policy-directory.ts';
import type { PolicyLoad } from '../sidecar/policy-source.ts';
import {
  DEFAULT_HEALTH_PORT,
  DEFAULT_PORT,
  SIDECAR_SETTINGS,
  type SidecarSettings,
} from '../sidecar/settings.ts';
import { type Sidecar, type SidecarParts, startSidecar } from '../sidecar/sidecar.ts';
import { PROVIDER_URLS } from '../sidecar/upstream-table.ts';
import { describeProblems } from './check.ts';
import { type ChildEnd, exitCodeOf, runChild } from './child.ts';
import { type Command, EXIT, type Terminal } from './command.ts';
import { governedEnvironment, ownUpstreams } from './environment.ts';
import { renderUsageTable } from './usage-table.ts';

const TABLE = {
  ...SIDECAR_SETTINGS,
  summary: {
    flag: '--summary',
    parser: oneOf(['text', 'json', 'none']),
    default: 'text',
    doc: 'What to print to standard error at the end: a table, one line of JSON, or nothing.',
  },
} as const;

type RunSettings = SettingsOf<typeof TABLE>;

/** Governs one command. */
export const run: Command<typeof TABLE> = {
  name: 'run',
  summary: 'govern a command: limits for its model and tool calls',
  usage: ['run --policies PATH [settings] -- COMMAND [ARGUMENT...]'],
  description:
    'Starts a sidecar on this machine, points the SDKs of COMMAND at it (OPENAI_BASE_URL, ANTHROPIC_BASE_URL), runs COMMAND\n' +
    'and prints at the end who spent what. COMMAND needs no change; its exit code and its signals pass through.\n' +
    'A base URL that is already set stays the upstream. Tools that are called over HTTP are reached at\n' +
    '$FLYBALL_URL/upstream/NAME/... once --upstream NAME=URL is given. Policies are read again when their files change.',
  examples: [
    ['flyball run --policies policies/ -- python agent.py', 'an agent on the OpenAI or Anthropic SDK'],
    ['flyball run --policies p.yaml --label app=review -- npm start', 'labels choose the policies'],
    [
      'flyball run --policies p.yaml --upstream mail=http://127.0.0.1:9000 -- ./agent',
      'a tool server with limits',
    ],
  ],
  table: TABLE,
  run: async ({ settings, words, rest, terminal }) => {
    const problem = usageProblem(settings, words, rest);
    if (problem !== undefined) {
      terminal.err(`flyball run: ${problem}\n`);
      return EXIT.usage;
    }
    const own = ownUpstreams(terminal.env);
    if (own.kind === 'invalid') {
      terminal.err(own.problems.map((text) => `flyball run: ${text}\n`).join(''));
      return EXIT.failed;
    }
    const agent = settings.agent ?? agentName(rest[0] ?? '');
    const sidecar = await start(settings, agent, new Map([...PROVIDER_URLS, ...own.urls]), terminal);
    if (sidecar === undefined) return EXIT.failed;
    const end = await runChild(rest, governedEnvironment(terminal.env, sidecar.port, agent));
    await sidecar.close();
    summarise(settings.summary, sidecar, end, terminal);
    return exitCodeOf(end);
  },
};

function usageProblem(
  settings: RunSettings,
  words: readonly string[],
  rest: readonly string[],
): string | undefined {
  if (words.length > 0) return `what is "${words[0]}"? The command to run stands behind --`;
  if (rest.length === 0)
    return 'which command? For example: flyball run --policies policies/ -- python agent.py';
  if (settings.policies === undefined) return 'which policies? Give --policies PATH, a file or a directory';
  return undefined;
}

/** The command's name without path and ending, made fit for a path segment. */
function agentName(command: string): string {
  const name = basename(command)
    .replace(/\.[A-Za-z0-9]+$/, '')
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 63);
  return /^[A-Za-z0-9]/.test(name) ? name : 'agent';
}

/** Starts the sidecar, on other ports where the usual ones are taken; undefined when it cannot, which has been said. */
async function start(
  settings: RunSettings,
  agent: string,
  upstreams: ReadonlyMap<string, URL>,
  terminal: Terminal,
): Promise<Sidecar | undefined> {
  const parts = (): SidecarParts => ({
    source: createPolicyDirectory(settings.policies ?? ''),
    workload: {
      tenant: settings.namespace,
      agent,
      agents: new Set([agent, ...(settings.agents ?? [])]),
      user: settings.user,
      pod: `run-${process.pid}`,
    },
    healthHost: '127.0.0.1',
    log: createLog({
      process: 'sidecar',
      level: 'warn',
      writer: createLineWriter({ to: 2, bufferBytes: 0, flushMs: 0 }),
    }),
    upstreams,
    limitWarned: ({ standing: { rule, usedPercent } }) => {
      if (rule.shadow) return;
      const name = `${policyLabel(policyOf(rule))} ${rule.limit}`;
      terminal.err(`flyball: ${usedPercent} % of the limit ${name} is used\n`);
    },
    policiesChanged: (load, revision) => announce(load, revision, settings, terminal),
  });
  let failure: unknown;
  for (const ports of portChoices(settings)) {
    try {
      return await startSidecar({ ...settings, ...ports }, parts());
    } catch (error) {
      failure = error;
      if (!isPortTaken(error)) break;
    }
  }
  terminal.err(`flyball run: ${startProblem(failure)}\n`);
  return undefined;
}

/** The ports asked for; as a second choice any free ones in place of the usual ones, since others may run too. */
function portChoices(
  settings: SidecarSettings,
): readonly { readonly port: number; readonly healthPort: number }[] {
  const { port, healthPort } = settings;
  const second = {
    port: port === DEFAULT_PORT ? 0 : port,
    healthPort: healthPort === DEFAULT_HEALTH_PORT ? 0 : healthPort,
  };
  return [{ port, healthPort }, second];
}

function isPortTaken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE' || isPortTaken(error.cause);
}

function startProblem(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (isPortTaken(error)) return 'a port is taken; choose others with --port and --health-port (0 = any)';
  return error instanceof Error ? error.message : 'could not start';
}

function announce(load: PolicyLoad, revision: number, settings: RunSettings, terminal: Terminal): void {
  if (load.kind === 'broken') {
    terminal.err(
      `flyball: ${revision === 0 ? 'the policies are not valid' : `the changed policies are not valid; revision ${revision} stays in force`}:\n`,
    );
    terminal.err(describeProblems(load.problems));
    return;
  }
  for (const warning of load.warnings) terminal.err(`flyball: warning: ${warning}\n`);
  for (const policy of load.policies) {
    if (selects(policy, Object.fromEntries(settings.labels ?? []))) continue;
    const labels = Object.entries(policy.matchLabels).map(([key, value]) => `${key}=${value}`);
    terminal.err(
      `flyball: the policy ${policyLabel(policy)} selects nothing here: run with --label ${labels.join(',')}\n`,
    );
  }
  if (revision > 1) terminal.err(`flyball: policies changed, revision ${revision} is in force\n`);
}

function summarise(form: RunSettings['summary'], sidecar: Sidecar, end: ChildEnd, terminal: Terminal): void {
  if (end.kind === 'not-started') terminal.err(`flyball run: ${end.problem}\n`);
  else if (form === 'json')
    terminal.err(`${JSON.stringify({ exitCode: exitCodeOf(end), usage: sidecar.usage() })}\n`);
  else if (form === 'text') terminal.err(`\nflyball: who spent what\n${renderUsageTable(sidecar.usage())}`);
}
