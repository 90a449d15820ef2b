// What does a governed call cost?
//
// A 1 KB chat completion through flyball with three limits that it must pass and token metering, against the same call
// through U (the barest proxy on undici), through nginx with limit_req, and to the upstream directly.
// Run: npm run build, then npx --no-install node bench/proxy.ts

import { LOAD_CLIENT, load } from './load.ts';
import { type Peer, withPeers } from './peers/peer.ts';
import { chatRequest } from './prompt.ts';
import { printRatio, printTable } from './report.ts';
import { alternate } from './slices.ts';

const ROUNDS = 15;
const SECONDS = 1;
/** A sidecar runs for days: until then the compiler has not seen all of it. */
const WARM_UP_SECONDS = 10;
const MANY = 32;
const BODY = chatRequest(1_024, false);

const MIB = 1_024 * 1_024;

async function measure(peers: readonly Peer[]): Promise<void> {
  const idle = residents(peers);
  for (const { url } of peers) await load({ url, body: BODY }, MANY, WARM_UP_SECONDS);
  const one = await alternate(peers, ROUNDS, ({ url }) => load({ url, body: BODY }, 1, SECONDS));
  const many = await alternate(peers, ROUNDS, async ({ url, process }) => {
    const beforeMicros = process.cpuMicros();
    const result = await load({ url, body: BODY }, MANY, SECONDS);
    return { ...result, cpuMicros: (process.cpuMicros() - beforeMicros) / result.calls };
  });
  const loaded = residents(peers);
  console.log(`1 KB chat completion, load by ${LOAD_CLIENT}, medians of ${ROUNDS} slices of ${SECONDS} s`);
  printTable(
    ['', 'c=1 p50 us', 'p99 us', `c=${MANY} calls/s`, 'p99 ms', 'CPU us/call', 'idle MiB', 'loaded MiB'],
    peers.map(({ name }) => [
      name,
      one.median(name, 'p50Micros').toFixed(0),
      one.median(name, 'p99Micros').toFixed(0),
      many.median(name, 'perSecond').toFixed(0),
      (many.median(name, 'p99Micros') / 1_000).toFixed(2),
      name === 'direct' ? '-' : many.median(name, 'cpuMicros').toFixed(1),
      name === 'direct' ? '-' : toMib(idle, name),
      name === 'direct' ? '-' : toMib(loaded, name),
    ]),
  );
  for (const base of ['undici', 'nginx']) {
    if (!many.has(base)) continue;
    printRatio(`cpu_per_call_vs_${base}`, many.ratio('flyball', base, 'cpuMicros'));
    printRatio(`p50_c1_vs_${base}`, one.ratio('flyball', base, 'p50Micros'));
    printRatio(`calls_per_second_c32_vs_${base}`, many.ratio('flyball', base, 'perSecond'));
    printRatio(`p99_c32_vs_${base}`, many.ratio('flyball', base, 'p99Micros'));
  }
  printRatio('p50_c1_vs_direct', one.ratio('flyball', 'direct', 'p50Micros'));
  printRatio('idle_memory_vs_64_mib', (idle.get('flyball') ?? 0) / (64 * MIB));
  printRatio('loaded_memory_vs_96_mib', (loaded.get('flyball') ?? 0) / (96 * MIB));
}

function residents(peers: readonly Peer[]): ReadonlyMap<string, number> {
  return new Map(peers.map(({ name, process }) => [name, process.residentBytes()]));
}

function toMib(bytes: ReadonlyMap<string, number>, name: string): string {
  return ((bytes.get(name) ?? 0) / MIB).toFixed(0);
}

await withPeers({}, measure);
