// Help that teaches: what a command is for, how it is typed, what to copy.

import { renderSettingsHelp } from '../runtime/settings-reference.ts';
import type { Command } from './command.ts';

const INDENT = '  ';

/** `flyball --help`. */
export function renderOverview(commands: readonly Command[], version: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    `flyball ${version}: the governor for AI agents`,
    '',
    'It stands beside an agent and admits, holds or refuses every model and tool call, by policies that you write.',
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => `${INDENT}${name.padEnd(width)}  ${summary}`),
    '',
    'Start with:',
    `${INDENT}flyball run --policies policies/ -- python agent.py`,
    '',
    '`flyball COMMAND --help` shows a command with examples.',
    '',
  ].join('\n');
}

/** `flyball COMMAND --help`. */
export function renderHelp(command: Command): string {
  const settings = renderSettingsHelp(command.table);
  const width = Math.max(...command.examples.map(([line]) => line.length));
  return [
    ...command.usage.map((usage, i) => `${i === 0 ? 'Usage:' : '      '} flyball ${usage}`),
    '',
    command.description,
    '',
    'Examples:',
    ...command.examples.map(([line, meaning]) => `${INDENT}${line.padEnd(width)}  # ${meaning}`),
    ...(settings === '' ? [] : ['', 'Settings:', settings]),
    '',
  ].join('\n');
}
