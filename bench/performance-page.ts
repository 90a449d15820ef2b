// docs/performance.md, made from what the benchmarks printed.

import { readFileSync } from 'node:fs';
import { isMet, TARGETS } from './targets.ts';

/** What one benchmark printed. */
export type BenchmarkResult = {
  readonly name: string;
  readonly lines: readonly string[];
};

const RATIO = /^ratio (\S+) (\S+)$/;

/** The page in Markdown. */
export function renderPerformancePage(machine: string, results: readonly BenchmarkResult[]): string {
  return `# Performance

Written by \`npx --no-install node bench/main.ts --write\`; \`make bench\` prints the same figures on your machine.

Measured on: ${machine}.

## How to read it

- Only ratios can be compared between machines and days. The peers run in the same minutes on the same core, in short
  slices that alternate; a ratio is the median of the ratios of each round.
- The system under test has core 0 for itself. The load and the upstream, a program on raw sockets, share core 1.
- U (\`undici\` in the tables) is the barest correct proxy in the same language: node:http in front, undici behind, nothing
  read, Node's own flags. It shows what the language costs, so what is above it is what flyball costs.
- nginx runs with \`limit_req\` and reads nothing of a body. \`direct\` is the upstream without anything in the way.
- flyball runs as \`flyball run\` starts it, with limits on requests, tokens and concurrency that every call passes,
  reads the request for its estimate and the answer for its usage, and writes its decision ledger to memory.
- CPU is that of the process tree over the calls of the slice, whoever is the bottleneck.

## Against the targets

What a row that says no means, and why it stays: [ADR 7](adr/0007-speed-on-node-http.md).

${renderTargets(results)}
${results.map(renderResult).join('\n')}`;
}

function renderTargets(results: readonly BenchmarkResult[]): string {
  const rows = results.flatMap(({ lines }) =>
    lines.flatMap((line) => {
      const [, name = '', value = ''] = RATIO.exec(line) ?? [];
      const target = TARGETS[name];
      if (target === undefined) return [];
      const verdict = isMet(target, Number(value)) ? 'yes' : '**no**';
      return [`| ${name} | ${target.kind} ${target.value} | ${value} | ${verdict} |\n`];
    }),
  );
  return `| ratio | target | measured | met |\n|---|---|---|---|\n${rows.join('')}`;
}

function renderResult({ name, lines }: BenchmarkResult): string {
  return `## ${questionOf(name)}

\`bench/${name}.ts\`

\`\`\`
${lines.join('\n')}
\`\`\`
`;
}

/** The first line of a benchmark is its question. */
function questionOf(name: string): string {
  const source = readFileSync(new URL(`./${name}.ts`, import.meta.url), 'utf8');
  return source.slice(0, source.indexOf('\n')).replace(/^\/\/ /, '');
}
