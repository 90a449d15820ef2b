// What a sidecar of the tests is started with where a test says nothing else.

import { readSettings } from '../../runtime/settings.ts';
import type { Workload } from '../../sidecar/identity.ts';
import { SIDECAR_SETTINGS, type SidecarSettings } from '../../sidecar/settings.ts';

/** Any agent may stand in a base URL. */
export const WORKLOAD: Workload = {
  tenant: 'default',
  agent: 'agent',
  agents: undefined,
  user: undefined,
  pod: 'pod',
};

/** The settings of a process without flags and environment. */
export function defaultSettings(): SidecarSettings {
  const none = { get: () => undefined };
  const read = readSettings(SIDECAR_SETTINGS, { flag: none, env: none });
  if (read.kind === 'invalid') throw new Error(read.problems.join('\n'));
  return read.settings;
}
