// Load: connections that repeat one request for some seconds. With wrk where it is installed, else with clients of ours.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { percentile } from './percentile.ts';
import { LOAD_CORE } from './pinned-process.ts';
import { RawClient, REQUEST_HEADERS, type Request } from './raw-client.ts';

const WRK = '/usr/bin/wrk';

/** Which client makes the load; figures of different clients cannot be compared. */
export const LOAD_CLIENT = existsSync(WRK) ? 'wrk' : 'node:net';

/** What a slice of load saw. Every answer was a 200: anything else ends the benchmark. */
export type LoadResult = {
  readonly calls: number;
  readonly perSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
};

/** Repeats a request on `connections` for `seconds`, a whole number. */
export function load(request: Request, connections: number, seconds: number): Promise<LoadResult> {
  return LOAD_CLIENT === 'wrk'
    ? loadByWrk(request, connections, seconds)
    : loadByClients(request, connections, seconds);
}

async function loadByWrk(request: Request, connections: number, seconds: number): Promise<LoadResult> {
  const directory = mkdtempSync(join(tmpdir(), 'flyball-bench-'));
  try {
    const script = join(directory, 'post.lua');
    writeFileSync(script, toLua(request.body));
    const pinned = ['-c', String(LOAD_CORE), WRK, '-t1', `-c${connections}`, `-d${seconds}s`];
    const { stdout } = await promisify(execFile)('taskset', [...pinned, '-s', script, request.url.href]);
    const line = /^result (.*)$/m.exec(stdout)?.[1]?.split(' ').map(Number) ?? [];
    const [calls = 0, micros = 1, p50Micros = 0, p99Micros = 0, errors = 1] = line;
    if (errors > 0 || calls === 0) throw new Error(`load on ${request.url.href} failed:\n${stdout}`);
    return { calls, perSecond: (calls * 1_000_000) / micros, p50Micros, p99Micros };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function toLua(body: string): string {
  const headers = Object.entries(REQUEST_HEADERS).map(
    ([name, value]) => `wrk.headers["${name}"] = "${value}"`,
  );
  return `wrk.method = "POST"
${headers.join('\n')}
wrk.body = [==[${body}]==]
done = function(summary, latency)
  local e = summary.errors
  print(string.format("result %d %d %d %d %d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}

async function loadByClients(request: Request, connections: number, seconds: number): Promise<LoadResult> {
  const micros: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  const repeat = async (): Promise<void> => {
    const client = new RawClient(request);
    for (let nowMs = performance.now(); nowMs < endMs; ) {
      await client.call();
      const thenMs = performance.now();
      micros.push((thenMs - nowMs) * 1_000);
      nowMs = thenMs;
    }
    client.close();
  };
  await Promise.all(Array.from({ length: connections }, repeat));
  const perSecond = (micros.length * 1_000) / (performance.now() - startedMs);
  return {
    calls: micros.length,
    perSecond,
    p50Micros: percentile(micros, 50),
    p99Micros: percentile(micros, 99),
  };
}
