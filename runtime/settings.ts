// The settings of a process are a table: reader, help and reference all come from its rows, so none can be forgotten
// in one of them. A flag wins over an environment variable, which wins over the default.

import { toPrintable } from './printable.ts';
import { HIDDEN } from './secret.ts';
import type { SettingParser } from './setting-parsers.ts';

/** One setting. At least one of `flag` and `env` is there; a secret should have no flag (others can read those). */
export type SettingRow<T> = {
  /** With its dashes: `--hold-max`. */
  readonly flag?: string;
  /** Environment variable: `FLYBALL_HOLD_MAX`. */
  readonly env?: string;
  readonly parser: SettingParser<T>;
  /** As a person would write it; absent = the setting may be unset. */
  readonly default?: string;
  /** One sentence. */
  readonly doc: string;
};

/** Rows by name, in the order in which help shows them. Write one `as const satisfies SettingsTable`. */
export type SettingsTable = Readonly<Record<string, SettingRow<unknown>>>;

type ValueOf<R> = R extends { readonly parser: SettingParser<infer T> }
  ? R extends { readonly default: string }
    ? T
    : T | undefined
  : never;

/** The values of a table, by the names of its rows. */
export type SettingsOf<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: ValueOf<Table[Name]>;
};

/** Where texts come from: the command line and the environment; undefined = not given. */
export type SettingsSource = {
  readonly flag: { get(name: string): string | undefined };
  readonly env: { get(name: string): string | undefined };
};

/** Where a value came from, for the line that a process writes at its start. Secrets show HIDDEN. */
type SettingInUse = { readonly name: string; readonly origin: string; readonly text: string };

export type ReadSettings<Table extends SettingsTable> =
  | {
      readonly kind: 'valid';
      readonly settings: SettingsOf<Table>;
      /** Every setting that is set, defaults included, in the order of the table. */
      readonly inUse: readonly SettingInUse[];
    }
  /** All that is wrong, each one sentence that names flag or variable, value and fix. */
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

const MAX_SHOWN = 80;

/**
 * Reads every row before it reports anything, so that one start shows all problems. An empty environment variable
 * counts as not set (manifests produce them); an empty flag does not. Throws only if a default does not parse.
 */
export function readSettings<const Table extends SettingsTable>(
  table: Table,
  source: SettingsSource,
): ReadSettings<Table> {
  const values: Record<string, unknown> = {};
  const inUse: SettingInUse[] = [];
  const problems: string[] = [];
  for (const [name, row] of Object.entries(table)) {
    const given = findText(row, source);
    values[name] = undefined;
    if (given === undefined) continue;
    const parsed = row.parser.parse(given.text);
    const shown = row.parser.secret ? HIDDEN : toPrintable(given.text, MAX_SHOWN);
    if (parsed.kind === 'valid') {
      values[name] = parsed.value;
      inUse.push({ name, origin: given.origin, text: shown });
    } else if (given.origin === DEFAULT) {
      throw new Error(`the default of setting ${name} ${parsed.problem}`);
    } else {
      problems.push(`${given.origin}: the value ${JSON.stringify(shown)} ${parsed.problem}`);
    }
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  // Each row put the value of its own parser, or undefined where it has no default, under its own name.
  return { kind: 'valid', settings: values as SettingsOf<Table>, inUse };
}

const DEFAULT = 'default';

function findText(
  row: SettingRow<unknown>,
  source: SettingsSource,
): { readonly origin: string; readonly text: string } | undefined {
  const flagText = row.flag === undefined ? undefined : source.flag.get(row.flag);
  if (row.flag !== undefined && flagText !== undefined) return { origin: row.flag, text: flagText };
  const envText = row.env === undefined ? undefined : source.env.get(row.env);
  if (row.env !== undefined && envText !== undefined && envText !== '')
    return { origin: row.env, text: envText };
  return row.default === undefined ? undefined : { origin: DEFAULT, text: row.default };
}
