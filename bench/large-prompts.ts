// How long does a large prompt block the others?
//
// Prompts of 100 KB and 1 MB, one after another: the longest block of the event loop in each process, and the latency.
// Run: npm run build, then npx --no-install node bench/large-prompts.ts

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { load } from './load.ts';
import { compiled, type Peer, withPeers } from './peers/peer.ts';
import { chatRequest } from './prompt.ts';
import { printRatio, printTable } from './report.ts';
import { alternate } from './slices.ts';

const ROUNDS = 5;
const SECONDS = 1;
const SIZES = [
  { name: '100kb', bytes: 100_000 },
  { name: '1mb', bytes: 1_000_000 },
] as const;

/** Longest block in milliseconds since the previous reading. */
async function readBlockMs(directory: string, { process }: Peer): Promise<number> {
  const socket = connect(join(directory, String(process.pid)));
  const [text] = await once(socket, 'data');
  socket.destroy();
  return Number(text);
}

async function measure(peers: readonly Peer[], directory: string): Promise<void> {
  const nodes = peers.filter(({ name }) => name === 'undici' || name === 'flyball');
  const rows: string[][] = [];
  for (const { name: size, bytes } of SIZES) {
    const body = chatRequest(bytes, false);
    for (const { url } of nodes) await load({ url, body }, 1, SECONDS);
    const slices = await alternate(nodes, ROUNDS, async (peer) => {
      await readBlockMs(directory, peer);
      const { p50Micros, p99Micros } = await load({ url: peer.url, body }, 1, SECONDS);
      return { p50Micros, p99Micros, blockMs: await readBlockMs(directory, peer) };
    });
    for (const { name } of nodes) {
      rows.push([
        `${size} ${name}`,
        slices.median(name, 'p50Micros').toFixed(0),
        slices.median(name, 'p99Micros').toFixed(0),
        slices.median(name, 'blockMs').toFixed(2),
        slices.largest(name, 'blockMs').toFixed(2),
      ]);
    }
    printRatio(`p50_${size}_vs_undici`, slices.ratio('flyball', 'undici', 'p50Micros'));
    printRatio(`longest_block_${size}_vs_5_ms`, slices.largest('flyball', 'blockMs') / 5);
  }
  console.log(
    `one prompt at a time; longest block of the event loop in each of ${ROUNDS} slices of ${SECONDS} s`,
  );
  printTable(['', 'p50 us', 'p99 us', 'block ms, median', 'block ms, largest'], rows);
}

const directory = mkdtempSync(join(tmpdir(), 'flyball-bench-'));
try {
  const variables = {
    NODE_OPTIONS: `--import=${pathToFileURL(compiled('loop-monitor.js')).href}`,
    FLYBALL_BENCH_LOOP_DIRECTORY: directory,
  };
  await withPeers(variables, (peers) => measure(peers, directory));
} finally {
  rmSync(directory, { recursive: true });
}
