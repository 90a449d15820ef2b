// The process behind sidecar-process.ts.

import { createLineWriter } from '../../runtime/line-writer.ts';
import { createLog } from '../../runtime/log.ts';
import { createPolicyDirectory } from '../../sidecar/policy-directory.ts';
import { startSidecar } from '../../sidecar/sidecar.ts';
import { defaultSettings, WORKLOAD } from './defaults.ts';
import type { FromProcess, ProcessPlan } from './sidecar-process.ts';

const plan = JSON.parse(process.argv[2] ?? '') as ProcessPlan; // Written by startSidecarProcess.

const sidecar = await startSidecar(
  { ...defaultSettings(), port: 0, healthPort: 0, ...plan.settings },
  {
    source: createPolicyDirectory(plan.policyFile),
    workload: WORKLOAD,
    healthHost: '127.0.0.1',
    log: createLog({
      process: 'sidecar',
      level: 'warn',
      writer: createLineWriter({ to: 2, bufferBytes: 0, flushMs: 0 }),
    }),
    upstreams: new Map(Object.entries(plan.upstreams).map(([name, url]) => [name, new URL(url)])),
    policiesChanged: () => undefined,
    limitWarned: () => undefined,
  },
);

function say(message: FromProcess): void {
  process.send?.(message);
}

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const use = {
    cpuMicros: user + system,
    heapBytes: heapUsed,
    residentBytes: rss,
    peakResidentBytes: process.resourceUsage().maxRSS * 1_024,
  };
  say({ kind: 'use', use });
});
process.once('SIGTERM', async () => {
  await sidecar.close();
  process.disconnect?.();
});
process.once('disconnect', () => process.exit());

say({ kind: 'listening', port: sidecar.port, healthPort: sidecar.healthPort });
