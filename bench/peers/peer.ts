// Who is measured: the same request goes to the upstream directly or through one of these.

import { fileURLToPath } from 'node:url';
import { LOAD_CORE, type PinnedProcess, SUBJECT_CORE, startPinned } from '../pinned-process.ts';
import { startFlyball } from './flyball.ts';
import { startNginx } from './nginx.ts';

/** One way to the upstream. */
export type Peer = {
  readonly name: 'direct' | 'nginx' | 'undici' | 'flyball';
  /** Where a chat completion is asked for. */
  readonly url: URL;
  /** What stands in the way; for `direct` the upstream itself. */
  readonly process: PinnedProcess;
};

/** The compiled form of a program of ours: Node strips types at start, and that takes memory which no peer should pay. */
export function compiled(path: string): string {
  return fileURLToPath(new URL(`../../dist/bench/${path}`, import.meta.url));
}

/**
 * Starts the upstream and everybody who can be started here, runs `work`, and ends them all. `variables` are added to the
 * environment of the peers that run on Node. U runs with the flags that Node has by itself, flyball with its own.
 */
export async function withPeers(
  variables: Readonly<Record<string, string>>,
  work: (peers: readonly Peer[]) => Promise<void>,
): Promise<void> {
  const env = { ...withoutProxies(process.env), ...variables };
  const processes: PinnedProcess[] = [];
  const started = async (starting: Promise<PinnedProcess>): Promise<PinnedProcess> => {
    const one = await starting;
    processes.push(one);
    return one;
  };
  try {
    const upstream = await started(startPinned(LOAD_CORE, [process.execPath, compiled('upstream.js')]));
    const origin = upstream.firstLine;
    const peers: Peer[] = [{ name: 'direct', url: chatUrl(`${origin}/v1`), process: upstream }];
    const nginx = await startNginx(origin);
    if (nginx !== undefined) {
      processes.push(nginx);
      peers.push({ name: 'nginx', url: chatUrl(`${nginx.firstLine}/v1`), process: nginx });
    }
    const undiciProxy = [process.execPath, compiled('peers/undici-proxy.js'), origin];
    const undici = await started(startPinned(SUBJECT_CORE, undiciProxy, env));
    peers.push({ name: 'undici', url: chatUrl(`${undici.firstLine}/v1`), process: undici });
    const flyball = await started(startFlyball(`${origin}/v1`, env));
    peers.push({ name: 'flyball', url: chatUrl(`${flyball.firstLine}/openai/v1`), process: flyball });
    await work(peers);
  } finally {
    await Promise.all(processes.map((one) => one.stop()));
  }
}

function chatUrl(base: string): URL {
  return new URL(`${base}/chat/completions`);
}

/** A proxy of the surroundings is not part of the question. */
function withoutProxies(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/_proxy$/i.test(name)));
}
