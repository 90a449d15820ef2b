// A process on one core, with what the system knows about it: the CPU time and the memory of it and its children.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** The system under test has a core for itself; load and upstream share the other. */
export const SUBJECT_CORE = 0;
export const LOAD_CORE = 1;

/** How long a process may take to say where it listens, and to end. */
const START_MS = 10_000;
const STOP_MS = 5_000;

/** The unit of CPU time in /proc on Linux: USER_HZ is 100 on every common platform. */
const MICROS_PER_TICK = 10_000;

/** A running process. */
export type PinnedProcess = {
  readonly pid: number;
  /** Its first line on standard output, by convention the URL under which it listens. */
  readonly firstLine: string;
  /** Microseconds of CPU that it and its children have used. */
  cpuMicros(): number;
  /** Resident bytes of the process itself. */
  residentBytes(): number;
  /** Asks it to end, waits, and ends it by force if need be. */
  stop(): Promise<void>;
};

type Child = ChildProcessByStdio<Writable, Readable, null>;

const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a command on a core and waits for its first line; rejects when it ends or stays silent instead. */
export async function startPinned(
  core: number,
  command: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<PinnedProcess> {
  const child = spawn('taskset', ['-c', String(core), ...command], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const firstLine = await readFirstLine(child, command);
  const pid = child.pid ?? 0;
  return {
    pid,
    firstLine,
    cpuMicros: () => cpuMicros(pid),
    residentBytes: () => residentBytes(pid),
    stop: () => stop(child),
  };
}

async function readFirstLine(child: Child, command: readonly string[]): Promise<string> {
  const failed = new AbortController();
  const fail = (): void => failed.abort();
  const timer = setTimeout(fail, START_MS);
  child.once('exit', fail).once('error', fail);
  try {
    const [line] = await once(createInterface(child.stdout), 'line', { signal: failed.signal });
    return String(line);
  } catch {
    child.kill('SIGKILL');
    throw new Error(`${command.join(' ')} did not say where it listens`);
  } finally {
    clearTimeout(timer);
    child.off('exit', fail).off('error', fail);
  }
}

async function stop(child: Child): Promise<void> {
  if (!running.has(child)) return;
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  child.kill('SIGTERM');
  child.stdin.destroy();
  await exited;
  clearTimeout(timer);
}

function cpuMicros(pid: number): number {
  // The name in parentheses may hold spaces; behind it utime and stime are the 12th and 13th fields.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  const own = (Number(fields[11]) + Number(fields[12])) * MICROS_PER_TICK;
  return childrenOf(pid).reduce((sum, child) => sum + cpuMicros(child), own);
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function residentBytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) * 1_024;
}
