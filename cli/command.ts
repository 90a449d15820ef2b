// What a command is: its words, its settings, and what it does.

import type { SettingsOf, SettingsTable } from '../runtime/settings.ts';

/** Where a command reads from and writes to. */
export type Terminal = {
  readonly env: NodeJS.ProcessEnv;
  /** Results: what a pipe would want. */
  out(text: string): void;
  /** Everything said to a person beside the result. */
  err(text: string): void;
  readonly isTerminal: boolean;
};

/** What stands on the command line behind the command's name. */
export type Invocation<Table extends SettingsTable> = {
  readonly settings: SettingsOf<Table>;
  /** Words that are no flags, before `--`. */
  readonly words: readonly string[];
  /** Everything behind `--`. */
  readonly rest: readonly string[];
  readonly terminal: Terminal;
};

/** One command of `flyball`. */
export type Command<Table extends SettingsTable = SettingsTable> = {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The forms in which it is typed, without `flyball`. */
  readonly usage: readonly string[];
  /** What a person should know before using it. */
  readonly description: string;
  /** Lines to copy, each with what it does. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  readonly table: Table;
  /** Resolves to the exit code. */
  run(invocation: Invocation<Table>): Promise<number>;
};

/** Exit codes of our own failures, as env(1), timeout(1) and docker use them. */
export const EXIT = {
  ok: 0,
  /** The thing examined has problems: `check`. */
  problems: 1,
  /** The command line is wrong. */
  usage: 2,
  /** We failed before the command was started. */
  failed: 125,
  notExecutable: 126,
  notFound: 127,
} as const;
