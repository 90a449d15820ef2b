// `flyball check PATH`: are these policies valid?

import { readPolicyFiles } from '../sidecar/policy-directory.ts';
import type { PolicyLoad, SourceProblem } from '../sidecar/policy-source.ts';
import { type Command, EXIT } from './command.ts';

const TABLE = {} as const;

/** Says every problem of every file at once; exit code 1 when there is one. */
export const check: Command<typeof TABLE> = {
  name: 'check',
  summary: 'are these policies valid: every problem at once',
  usage: ['check PATH...'],
  description:
    'Reads policy files, or directories of them, exactly as `run` does, and says everything that is wrong with them:\n' +
    'file and line, path, value, and what to write instead. What is valid but not enforced by this version is refused too,\n' +
    'because a limit that is accepted and ignored is worse than none.',
  examples: [
    ['flyball check policies/', 'all files of a directory'],
    ['flyball check policy.yaml && git push', 'exit code 1 when there is a problem'],
  ],
  table: TABLE,
  run: async ({ words, terminal }) => {
    if (words.length === 0) {
      terminal.err('flyball check: which PATH? For example: flyball check policies/\n');
      return EXIT.usage;
    }
    let failed = false;
    for (const path of words) {
      const load = await readPolicyFiles(path);
      terminal.out(describe(path, load));
      failed ||= load.kind === 'broken';
    }
    return failed ? EXIT.problems : EXIT.ok;
  },
};

function describe(path: string, load: PolicyLoad): string {
  if (load.kind === 'broken') return describeProblems(load.problems);
  const limits = load.policies.reduce((sum, policy) => sum + policy.limits.length, 0);
  const warnings = load.warnings.map((warning) => `warning: ${warning}\n`).join('');
  return `${warnings}${path}: ${count(load.policies.length, 'policy', 'policies')} with ${count(limits, 'limit', 'limits')}, valid\n`;
}

/** Every problem on a line of its own, and how many there are. */
export function describeProblems(problems: readonly SourceProblem[]): string {
  const lines = problems.map(({ where, path, value, message }) => {
    const subject = [path, value === '' ? '' : `= ${value}`].filter((part) => part !== '').join(' ');
    return `${where}: ${subject === '' ? '' : `${subject}: `}${message}\n`;
  });
  return `${lines.join('')}${count(problems.length, 'problem', 'problems')}\n`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
