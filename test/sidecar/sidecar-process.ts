// A sidecar in a process of its own, so that its CPU time and its memory are its own.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { SidecarSettings } from '../../sidecar/settings.ts';
import { createFolder } from '../folder.ts';

/** What the process has used so far. */
export type ProcessUse = {
  /** User and system time in microseconds. */
  readonly cpuMicros: number;
  /** The JavaScript heap after a collection, in bytes. */
  readonly heapBytes: number;
  /** Resident memory after a collection, and the most it ever was, in bytes. */
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
};

export type SidecarProcess = {
  readonly port: number;
  readonly url: string;
  readonly openaiBaseUrl: string;
  /** The metrics as text. */
  metrics(): Promise<string>;
  /** Collects garbage and looks. */
  measure(): Promise<ProcessUse>;
  /** Drains and ends it; SIGTERM does the same. Resolves to its exit code. */
  close(): Promise<number | null>;
  /** Sends SIGTERM. */
  terminate(): void;
  readonly exited: Promise<number | null>;
};

/** What the process is started with; it comes as JSON in its first argument. */
export type ProcessPlan = {
  readonly policyFile: string;
  readonly upstreams: Readonly<Record<string, string>>;
  readonly settings: Partial<SidecarSettings>;
};

/** What the process says and is told. */
export type FromProcess =
  | { readonly kind: 'listening'; readonly port: number; readonly healthPort: number }
  | { readonly kind: 'use'; readonly use: ProcessUse };
type ToProcess = { readonly kind: 'measure' };

/** As bin/flyball starts Node, and with a hand on the collector. */
const NODE_FLAGS = ['--max-semi-space-size=8', '--expose-gc'];

/** Starts it with these policies; `upstreams` replace the built-in ones by name. */
export async function startSidecarProcess(
  policies: string,
  upstreams: Readonly<Record<string, string>>,
  settings: Partial<SidecarSettings> = {},
): Promise<SidecarProcess> {
  const folder = createFolder({ 'policies.yaml': policies });
  const plan: ProcessPlan = { policyFile: folder.pathOf('policies.yaml'), upstreams, settings };
  const child = fork(new URL('./sidecar-process-main.ts', import.meta.url), [JSON.stringify(plan)], {
    execArgv: NODE_FLAGS,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit').then(([code]) => {
    folder.remove();
    return code as number | null; // As the documentation of the event says.
  });
  const { port, healthPort } = await heard(child, 'listening');
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    openaiBaseUrl: `http://127.0.0.1:${port}/openai/v1`,
    metrics: async () => (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text(),
    measure: async () => {
      const use = heard(child, 'use');
      child.send({ kind: 'measure' } satisfies ToProcess);
      return (await use).use;
    },
    terminate: () => child.kill('SIGTERM'),
    close: () => {
      child.kill('SIGTERM');
      return exited;
    },
    exited,
  };
}

function heard<Kind extends FromProcess['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<FromProcess, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      const said = message as FromProcess; // By the process below.
      if (said.kind !== kind) return;
      child.off('message', onMessage).off('exit', onExit);
      resolve(said as Extract<FromProcess, { kind: Kind }>);
    };
    const onExit = (code: number | null): void =>
      reject(new Error(`the sidecar's process ended with ${code}`));
    child.on('message', onMessage).on('exit', onExit);
  });
}
