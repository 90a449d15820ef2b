// What does a governed stream cost, and is each event passed on at once?
//
// Streams of 50 events and a usage event. Unpaced, 32 at a time: CPU per stream. Paced at 5 ms, 8 at a time: how long
// each event travels from the upstream's write to the client, beyond the direct way.
// Run: npm run build, then npx --no-install node bench/streams.ts

import { load } from './load.ts';
import { type Peer, withPeers } from './peers/peer.ts';
import { percentile } from './percentile.ts';
import { chatRequest } from './prompt.ts';
import { RawClient } from './raw-client.ts';
import { printRatio, printTable } from './report.ts';
import { alternate } from './slices.ts';

const ROUNDS = 5;
const SECONDS = 1;
const WARM_UP_SECONDS = 3;
const UNPACED_STREAMS = 32;
const PACED_STREAMS = 8;
const PACED_REPEATS = 4;
const BODY = chatRequest(1_024, true);

/** Events of one stream with the microseconds that each travelled. */
async function watchStream(client: RawClient): Promise<number[]> {
  const travelledMicros: number[] = [];
  let rest = '';
  await client.call((text) => {
    const nowMicros = Number(process.hrtime.bigint() / 1_000n);
    const events = (rest + text).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const sentMicros = /"sentMicros":(\d+)/.exec(event)?.[1];
      if (sentMicros !== undefined) travelledMicros.push(nowMicros - Number(sentMicros));
    }
  });
  return travelledMicros;
}

type Travel = Record<'p50' | 'p99' | 'first' | 'last', number>;

/** The first and the last event of a stream are also looked at alone: that is where a delayed acknowledgement shows. */
async function watchPaced({ url }: Peer): Promise<Travel> {
  const paced = new URL('?pace=5', url);
  const streams: number[][] = [];
  const repeat = async (): Promise<void> => {
    const client = new RawClient({ url: paced, body: BODY });
    for (let i = 0; i < PACED_REPEATS; i++) streams.push(await watchStream(client));
    client.close();
  };
  await Promise.all(Array.from({ length: PACED_STREAMS }, repeat));
  const all = streams.flat();
  return {
    p50: percentile(all, 50),
    p99: percentile(all, 99),
    first: percentile(
      streams.map((stream) => stream.at(0) ?? Number.NaN),
      99,
    ),
    last: percentile(
      streams.map((stream) => stream.at(-1) ?? Number.NaN),
      99,
    ),
  };
}

async function measure(peers: readonly Peer[]): Promise<void> {
  const loadOf = ({ url }: Peer, seconds: number): ReturnType<typeof load> =>
    load({ url: new URL('?pace=0', url), body: BODY }, UNPACED_STREAMS, seconds);
  for (const peer of peers) await loadOf(peer, WARM_UP_SECONDS);
  const unpaced = await alternate(peers, ROUNDS, async (peer) => {
    const beforeMicros = peer.process.cpuMicros();
    const result = await loadOf(peer, SECONDS);
    return { ...result, cpuMicros: (peer.process.cpuMicros() - beforeMicros) / result.calls };
  });
  const paced = await alternate(peers, ROUNDS, watchPaced);
  const added = (name: string, figure: keyof Travel): number =>
    paced.median(name, figure) - paced.median('direct', figure);

  console.log('streams of 50 events; the four columns on the right: paced, microseconds beyond direct');
  printTable(
    [
      '',
      `c=${UNPACED_STREAMS} streams/s`,
      'CPU us/stream',
      'event p50',
      'event p99',
      'first p99',
      'last p99',
    ],
    peers.map(({ name }) => [
      name,
      unpaced.median(name, 'perSecond').toFixed(0),
      name === 'direct' ? '-' : unpaced.median(name, 'cpuMicros').toFixed(0),
      ...(['p50', 'p99', 'first', 'last'] as const).map((figure) => added(name, figure).toFixed(0)),
    ]),
  );
  printRatio('cpu_per_stream_vs_undici', unpaced.ratio('flyball', 'undici', 'cpuMicros'));
  printRatio('streams_per_second_c32_vs_undici', unpaced.ratio('flyball', 'undici', 'perSecond'));
  printRatio('first_event_added_vs_1_ms', added('flyball', 'first') / 1_000);
  printRatio('last_event_added_vs_1_ms', added('flyball', 'last') / 1_000);
}

await withPeers({}, measure);
