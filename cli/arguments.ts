// Splits a command line by a command's settings table.

import { didYouMean } from '../core/policy/did-you-mean.ts';
import { boolean } from '../runtime/setting-parsers.ts';
import type { SettingsSource, SettingsTable } from '../runtime/settings.ts';

export type ParsedArguments =
  | {
      readonly kind: 'parsed';
      readonly flag: SettingsSource['flag'];
      readonly words: readonly string[];
      readonly rest: readonly string[];
      readonly wantsHelp: boolean;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

const BOOLEAN_FORM = boolean().form;

/** Reads `--flag value`, `--flag=value`, words, and everything behind `--`. A repeated flag is joined with a comma. */
export function parseArguments(table: SettingsTable, args: readonly string[]): ParsedArguments {
  const separator = args.indexOf('--');
  const own = separator < 0 ? args : args.slice(0, separator);
  const flags = new Map<string, string>();
  const words: string[] = [];
  const problems: string[] = [];
  for (let i = 0; i < own.length; i++) {
    const argument = own[i] as string;
    if (!argument.startsWith('-')) {
      words.push(argument);
      continue;
    }
    const flag = readFlag(table, argument, own[i + 1]);
    if (flag.kind === 'invalid') problems.push(flag.problem);
    else flags.set(flag.name, [flags.get(flag.name) ?? [], flag.value].flat().join(','));
    if (flag.tookNext) i++;
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  return {
    kind: 'parsed',
    flag: { get: (name) => flags.get(name) },
    words,
    rest: separator < 0 ? [] : args.slice(separator + 1),
    wantsHelp: flags.has(HELP),
  };
}

type ReadFlag =
  | { readonly kind: 'read'; readonly name: string; readonly value: string; readonly tookNext: boolean }
  | { readonly kind: 'invalid'; readonly problem: string; readonly tookNext: boolean };

const HELP = '--help';

function readFlag(table: SettingsTable, argument: string, next: string | undefined): ReadFlag {
  if (argument === HELP || argument === '-h') return { kind: 'read', name: HELP, value: '', tookNext: false };
  const [name, inline] = splitFlag(argument);
  const rows = Object.values(table).filter((row) => row.flag !== undefined);
  const row = rows.find(({ flag }) => flag === name);
  if (row === undefined) {
    const names = rows.map(({ flag }) => flag ?? '');
    return { kind: 'invalid', problem: `unknown flag ${name}${suggestion(name, names)}`, tookNext: false };
  }
  if (inline !== undefined) return { kind: 'read', name, value: inline, tookNext: false };
  if (row.parser.form === BOOLEAN_FORM) return { kind: 'read', name, value: 'true', tookNext: false };
  if (next === undefined)
    return { kind: 'invalid', problem: `${name} needs a value: ${row.parser.hint}`, tookNext: false };
  return { kind: 'read', name, value: next, tookNext: true };
}

/** ` (did you mean X?)`, or nothing. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const nearest = didYouMean(word, candidates);
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
}

function splitFlag(argument: string): [name: string, value: string | undefined] {
  const at = argument.indexOf('=');
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}
