// Flyball as a user runs it: `bin/flyball run` beside a command that only says which URL it was given.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PinnedProcess, SUBJECT_CORE, startPinned } from '../pinned-process.ts';

/** Three limits that every call must pass and that no benchmark reaches. */
const POLICIES = `apiVersion: flyball.dev/v1alpha1
kind: RateLimitPolicy
metadata:
  name: bench
spec:
  limits:
    - name: calls
      per: [agent]
      unit: Requests
      rates:
        - { limit: 100M, window: 1m }
    - name: tokens
      per: [user]
      unit: TotalTokens
      rates:
        - { limit: 100G, window: 1m }
    - name: at-once
      per: [agent]
      unit: Concurrency
      max: 1000
`;

const FLYBALL = fileURLToPath(new URL('../../bin/flyball', import.meta.url));

/** Starts flyball in front of an upstream, given as an SDK's base URL. `firstLine` is FLYBALL_URL of the command. */
export async function startFlyball(upstream: string, env: NodeJS.ProcessEnv): Promise<PinnedProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'flyball-bench-'));
  writeFileSync(join(directory, 'bench.yaml'), POLICIES);
  const settings = ['--policies', directory, '--port', '0', '--health-port', '0', '--summary', 'none'];
  // `cat` lives until its standard input, which is ours, ends.
  const command = ['--', 'sh', '-c', 'echo "$FLYBALL_URL"; exec cat'];
  const flyball = await startPinned(SUBJECT_CORE, [FLYBALL, 'run', ...settings, ...command], {
    ...env,
    OPENAI_BASE_URL: upstream,
  });
  return {
    ...flyball,
    stop: async () => {
      await flyball.stop();
      rmSync(directory, { recursive: true });
    },
  };
}
