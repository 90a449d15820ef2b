// What a settings table looks like to a person: the options part of `--help`, and the reference page.

import type { SettingRow, SettingsTable } from './settings.ts';

const GAP = '  ';

/**
 * The options of `--help`: one line per row that has a flag, forms aligned, with the default and the variable.
 * The default of a secret is not shown. Ends without a line break.
 */
export function renderSettingsHelp(table: SettingsTable): string {
  const rows = Object.values(table).filter((row) => row.flag !== undefined);
  const heads = rows.map((row) => `${row.flag ?? ''} ${row.parser.form}`);
  const width = Math.max(0, ...heads.map((head) => head.length));
  const lines = rows.map(
    (row, index) => `${GAP}${(heads[index] ?? '').padEnd(width)}${GAP}${row.doc}${facts(row)}`,
  );
  return lines.join('\n');
}

function facts(row: SettingRow<unknown>): string {
  const shown = [shownDefault(row), row.env].filter((fact) => fact !== undefined);
  return shown.length === 0 ? '' : ` [${shown.join(', ')}]`;
}

function shownDefault(row: SettingRow<unknown>): string | undefined {
  return row.default === undefined || row.parser.secret ? undefined : `default ${row.default}`;
}

/** The reference as a Markdown table, one row per setting, followed by how each form is written. */
export function renderSettingsReference(table: SettingsTable): string {
  const rows = Object.entries(table).map(([name, row]) => {
    const written = row.parser.secret || row.default === undefined ? '-' : code(row.default);
    const form = code(row.parser.form) + (row.parser.secret ? ' (secret)' : '');
    return `| ${code(name)} | ${code(row.flag)} | ${code(row.env)} | ${form} | ${written} | ${cell(row.doc)} |`;
  });
  const hints = new Map(Object.values(table).map((row) => [row.parser.form, row.parser.hint]));
  return [
    '| setting | flag | variable | form | default | what it does |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    ...[...hints].sort().map(([form, hint]) => `- ${code(form)}: ${hint}`),
    '',
  ].join('\n');
}

function code(text: string | undefined): string {
  return text === undefined ? '-' : `\`${cell(text)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
