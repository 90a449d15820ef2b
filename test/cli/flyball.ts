// Runs bin/flyball as a person would: as a process, from any directory.

import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

export const FLYBALL = fileURLToPath(new URL('../../bin/flyball', import.meta.url));

/** How a run ended. */
export type Finished = {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
};

/** A run in progress. */
export type Running = {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves to standard output so far once it holds the text; rejects when the process ends before. */
  printed(text: string): Promise<string>;
};

/** Starts flyball with these words. The environment is the test's own without base URLs and proxies. */
export function startFlyball(
  words: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly file?: string } = {},
): Running {
  const child = spawn(options.file ?? FLYBALL, words, {
    cwd: tmpdir(),
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { out: '', err: '' };
  const waiting = new Set<() => void>();
  const listen = (stream: NodeJS.ReadableStream, key: 'out' | 'err'): void => {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      texts[key] += text;
      for (const check of waiting) check();
    });
  };
  listen(child.stdout, 'out');
  listen(child.stderr, 'err');
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...texts }));
  });
  const printed = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!texts.out.includes(text)) return;
        waiting.delete(check);
        resolve(texts.out);
      };
      waiting.add(check);
      check();
      void finished.then((end) => reject(new Error(`ended without "${text}": ${end.out}${end.err}`)));
    });
  return { process: child, finished, printed };
}

/** Runs to the end. */
export function flyball(
  words: readonly string[],
  options: Parameters<typeof startFlyball>[1] = {},
): Promise<Finished> {
  return startFlyball(words, options).finished;
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const cleaned = { ...process.env };
  for (const name of [
    'OPENAI_BASE_URL',
    'OPENAI_API_BASE',
    'ANTHROPIC_BASE_URL',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'http_proxy',
    'https_proxy',
  ]) {
    delete cleaned[name];
  }
  return cleaned;
}

/** The words of `flyball run` on free ports. */
export function runWords(
  policies: string,
  flags: readonly string[],
  command: readonly string[],
): readonly string[] {
  return ['run', '--policies', policies, '--port', '0', '--health-port', '0', ...flags, '--', ...command];
}

/** A script as a command. */
export function nodeCommand(script: string): readonly string[] {
  return [process.execPath, '--input-type=module', '-e', script];
}
