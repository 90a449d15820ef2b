// Runs every benchmark, one after another, and says on which machine.
//
// `node bench/main.ts` prints; `node bench/main.ts --write` also writes docs/performance.md.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type BenchmarkResult, renderPerformancePage } from './performance-page.ts';

/** In the order of the page. */
const BENCHMARKS = [
  'decision',
  'estimate',
  'protocol',
  'recording',
  'proxy',
  'streams',
  'large-prompts',
] as const;

/** Longest time for one benchmark. */
const TIMEOUT_MS = 300_000;

async function run(name: string): Promise<BenchmarkResult> {
  console.log(`\n# ${name}`);
  const child = spawn(process.execPath, [pathOf(name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    console.log(line);
    lines.push(line);
  }
  const [code] = await exited;
  if (code !== 0) throw new Error(`bench/${name}.ts failed`);
  return { name, lines };
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
}

function machineLine(): string {
  const processors = cpus();
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
  return [
    `${processors.length} cores of ${processors[0]?.model ?? 'an unknown processor'}`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    `commit ${git('rev-parse', '--short', 'HEAD')}${changed}`,
    new Date().toISOString().slice(0, 10),
  ].join(', ');
}

if (process.platform !== 'linux' || cpus().length < 2) {
  throw new Error('the benchmarks need Linux and two cores: one for the subject, one for the load');
}
const machine = machineLine();
console.log(machine);
const results: BenchmarkResult[] = [];
for (const name of BENCHMARKS) results.push(await run(name));
if (process.argv.includes('--write')) {
  const page = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
  writeFileSync(page, renderPerformancePage(machine, results));
}
