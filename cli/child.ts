// Runs the governed command: its output is untouched, its exit code and signals pass through.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { EXIT } from './command.ts';

/** How the command ended. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals }
  /** It could not be started; one sentence. */
  | { readonly kind: 'not-started'; readonly code: number; readonly problem: string };

/** Signals that a user or a supervisor sends to a command. */
const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** Signals that a terminal sends to the whole foreground group: the command has its own already. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/** Starts the command and waits for its end. The terminal is shared with it. */
export function runChild(command: readonly string[], env: NodeJS.ProcessEnv): Promise<ChildEnd> {
  const [file = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(file, args, { env, stdio: 'inherit' });
    const forward = (signal: NodeJS.Signals): void => {
      if (process.stdin.isTTY && FROM_TERMINAL.has(signal)) return;
      child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    const finish = (end: ChildEnd): void => {
      for (const signal of FORWARDED) process.off(signal, forward);
      resolve(end);
    };
    child.once('error', (error: NodeJS.ErrnoException) => finish(notStarted(file, error)));
    child.once('exit', (code, signal) =>
      finish(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal }),
    );
  });
}

/** The exit code that a shell would report. */
export function exitCodeOf(end: ChildEnd): number {
  return end.kind === 'killed' ? 128 + constants.signals[end.signal] : end.code;
}

function notStarted(file: string, error: NodeJS.ErrnoException): ChildEnd {
  if (error.code === 'ENOENT') {
    return { kind: 'not-started', code: EXIT.notFound, problem: `${file}: command not found` };
  }
  return {
    kind: 'not-started',
    code: EXIT.notExecutable,
    problem: `${file}: cannot be started (${error.code ?? 'unknown error'})`,
  };
}
