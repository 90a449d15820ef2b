// Plants one fault after the other in a copy of the sources and sees whether a test notices.
//
// `node scripts/mutate.ts` runs them all, fails when one survives, and writes docs/mutants.md.
// `node scripts/mutate.ts --only ID` runs one and prints what the tests say.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANT_PARTS } from './mutants/all.ts';
import type { Mutant } from './mutants/mutant.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What the tests of the table need. */
const COPIED = [
  'core',
  'runtime',
  'sidecar',
  'cli',
  'examples',
  'docs',
  'scripts',
  'bench',
  'test',
  'package.json',
  'tsconfig.base.json',
];

/** A fault that makes the tests run on for ever is noticed, too. */
const TIMEOUT_MS = 120_000;

const REPORT = 'report.json';

/** What became of a mutant; `by` is the name of the test. */
type Verdict =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'not-planted'; readonly found: number };

/** A copy of the sources outside the tree, in which one fault at a time is planted. */
class Copy {
  readonly #folder = mkdtempSync(join(tmpdir(), 'flyball-mutants-'));
  readonly #echoes: boolean;
  #child: ChildProcess | undefined;

  constructor(echoes: boolean) {
    this.#echoes = echoes;
    for (const name of COPIED) cpSync(join(ROOT, name), join(this.#folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'));
    // One seed, so that two runs on the same sources say the same; and nobody reads the smallest counterexample.
    writeFileSync(
      join(this.#folder, 'seed.ts'),
      "import fc from 'fast-check';\nfc.configureGlobal({ seed: 20_261_124, endOnFailure: true });\n",
    );
    writeFileSync(
      join(this.#folder, 'vitest.config.ts'),
      "export default { test: { setupFiles: ['seed.ts'], testTimeout: 60_000, hookTimeout: 60_000 } };\n",
    );
  }

  /** Plants the fault, runs its tests, and takes it out again. */
  async judge(mutant: Mutant): Promise<Verdict> {
    const path = join(this.#folder, mutant.file);
    const source = readFileSync(path, 'utf8');
    const found = source.split(mutant.find).length - 1;
    if (found !== 1) return { kind: 'not-planted', found };
    writeFileSync(
      path,
      source.replace(mutant.find, () => mutant.replace),
    );
    const failed = await this.firstFailure(mutant.tests);
    writeFileSync(path, source);
    return failed === undefined ? { kind: 'survived' } : { kind: 'killed', by: failed };
  }

  /** The first test of these files that fails; undefined when all pass. */
  async firstFailure(tests: readonly string[]): Promise<string | undefined> {
    const report = join(this.#folder, REPORT);
    rmSync(report, { force: true });
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const options = ['run', '--bail=1', '--maxWorkers=1', '--reporter=json', `--outputFile=${report}`];
    if (this.#echoes) options.push('--reporter=default');
    const child = spawn(process.execPath, [vitest, ...options, ...tests], {
      cwd: this.#folder,
      stdio: ['ignore', this.#echoes ? 'inherit' : 'ignore', this.#echoes ? 'inherit' : 'ignore'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    this.#child = child;
    const [code, signal] = await once(child, 'exit');
    if (code === 0) return undefined;
    return signal === null ? nameOfFailure(report) : `${tests[0]}: does not end`;
  }

  remove(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

type VitestReport = {
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
};

function nameOfFailure(report: string): string {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport; // Vitest's own format.
  for (const { name, assertionResults } of testResults) {
    const file = name.slice(name.lastIndexOf('test/'));
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) return `${file}: ${failed.fullName}`;
  }
  return 'a test file that no longer loads';
}

function toText(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'killed':
      return `killed by ${verdict.by}`;
    case 'survived':
      return 'SURVIVED';
    case 'not-planted':
      return `NOT PLANTED: its text stands ${verdict.found} times in the file`;
  }
}

/** Runs the mutants on as many copies as there are cores. */
async function judgeAll(mutants: readonly Mutant[]): Promise<ReadonlyMap<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  const waiting = [...mutants];
  const copies = Array.from({ length: Math.min(cpus().length, mutants.length) }, () => new Copy(false));
  const [first] = copies;
  try {
    const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))];
    const failed = await first?.firstFailure(tests);
    if (failed !== undefined) throw new Error(`without any fault, this test fails: ${failed}`);
    await Promise.all(
      copies.map(async (copy) => {
        for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
          const verdict = await copy.judge(mutant);
          verdicts.set(mutant.id, verdict);
          console.log(`${mutant.id}: ${toText(verdict)}`);
        }
      }),
    );
  } finally {
    for (const copy of copies) copy.remove();
  }
  return verdicts;
}

function renderPage(verdicts: ReadonlyMap<string, Verdict>): string {
  const count = [...verdicts.values()].filter(({ kind }) => kind === 'killed').length;
  const parts = MUTANT_PARTS.map(({ name, mutants }) => {
    const rows = mutants.map(({ id, file, fault }) => {
      const verdict = verdicts.get(id);
      const by = verdict?.kind === 'killed' ? verdict.by : 'nothing';
      return `| \`${id}\` | ${file} | ${fault} | ${by.replaceAll('|', '\\|')} |`;
    });
    return `## ${name}\n\n| fault | file | what goes wrong | noticed by |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Planted faults

Written by \`make mutate\`: each fault is one exact replacement in the sources (\`scripts/mutants/\`). The tests must notice
every one of them; ${count} of ${verdicts.size} are noticed.

${parts.join('\n')}`;
}

async function judgeOne(id: string, mutants: readonly Mutant[]): Promise<boolean> {
  const mutant = mutants.find((each) => each.id === id);
  if (mutant === undefined)
    throw new Error(`there is no mutant ${id}; there are ${mutants.map((each) => each.id).join(', ')}`);
  const copy = new Copy(true);
  try {
    const verdict = await copy.judge(mutant);
    console.log(`${mutant.id}: ${toText(verdict)}`);
    return verdict.kind === 'killed';
  } finally {
    copy.remove();
  }
}

const all = MUTANT_PARTS.flatMap(({ mutants }) => mutants);
const only = process.argv.indexOf('--only');
if (new Set(all.map(({ id }) => id)).size !== all.length) throw new Error('two mutants have the same id');
if (only >= 0) {
  if (!(await judgeOne(process.argv[only + 1] ?? '', all))) process.exitCode = 1;
} else {
  const verdicts = await judgeAll(all);
  writeFileSync(join(ROOT, 'docs', 'mutants.md'), renderPage(verdicts));
  const missed = [...verdicts].filter(([, { kind }]) => kind !== 'killed');
  console.log(`${verdicts.size - missed.length} killed, ${missed.length} not`);
  for (const [id, verdict] of missed) console.log(`${id}: ${toText(verdict)}`);
  if (missed.length > 0) process.exitCode = 1;
}
