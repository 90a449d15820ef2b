// The `flyball` command: finds the command, reads its settings, runs it.

import { readFileSync } from 'node:fs';
import { readSettings } from '../runtime/settings.ts';
import { parseArguments, suggestion } from './arguments.ts';
import { check } from './check.ts';
import { type Command, EXIT, type Terminal } from './command.ts';
import { explain } from './explain.ts';
import { renderHelp, renderOverview } from './help.ts';
import { run } from './run.ts';

/** Every command, in the order in which help lists them. Each reads only the settings of its own table. */
const COMMANDS = [run, check, explain] as unknown as readonly Command[];

const terminal: Terminal = {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return help(rest[0]);
  if (name === '--version' || name === 'version') {
    terminal.out(`${version()}\n`);
    return EXIT.ok;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const names = COMMANDS.map((candidate) => candidate.name);
    terminal.err(`flyball: there is no command ${name}${suggestion(name, names)}; see flyball --help\n`);
    return EXIT.usage;
  }
  const parsed = parseArguments(command.table, rest);
  if (parsed.kind === 'invalid') return refuse(command, parsed.problems);
  if (parsed.wantsHelp) return help(name);
  const env = { get: (variable: string) => process.env[variable] };
  const read = readSettings(command.table, { flag: parsed.flag, env });
  if (read.kind === 'invalid') return refuse(command, read.problems);
  return command.run({ settings: read.settings, words: parsed.words, rest: parsed.rest, terminal });
}

function help(name: string | undefined): number {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  terminal.out(command === undefined ? renderOverview(COMMANDS, version()) : renderHelp(command));
  return EXIT.ok;
}

function refuse(command: Command, problems: readonly string[]): number {
  for (const problem of problems) terminal.err(`flyball ${command.name}: ${problem}\n`);
  terminal.err(`See flyball ${command.name} --help\n`);
  return EXIT.usage;
}

/** From the package's manifest, two folders above the compiled file. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

process.exitCode = await main(process.argv.slice(2));
