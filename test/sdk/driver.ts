// One running driver: calls in, outcomes out.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll } from 'vitest';
import type { DriverReady, SdkCall, SdkOutcome } from './drivers/contract.ts';
import type { Sdk, SdkName } from './sdks.ts';

export type Driver = {
  /** Makes one call through the SDK. Rejects only when the driver itself fails. */
  call(request: Omit<SdkCall, 'id'>): Promise<SdkOutcome>;
  stop(): Promise<void>;
};

type Waiter<T> = { resolve(value: T): void; reject(error: Error): void };

/** The drivers of these SDKs, from the first test of a file to its last. */
export function useDrivers(sdks: readonly Sdk[]): (sdk: Sdk) => Driver {
  const drivers = new Map<SdkName, Driver>();
  beforeAll(async () => {
    for (const sdk of sdks) drivers.set(sdk.name, await startDriver(sdk));
  });
  afterAll(async () => {
    await Promise.all([...drivers.values()].map((driver) => driver.stop()));
  });
  return ({ name }) => {
    const driver = drivers.get(name);
    if (driver === undefined) throw new Error(`the driver of ${name} was not started`);
    return driver;
  };
}

/**
 * Starts the driver of an SDK and waits until it is ready. Nothing of our environment but PATH is passed on: keys, base
 * URLs and proxies in it would change what the SDK does.
 *
 * @throws Error when it does not start, or drives another version than the pinned one
 */
async function startDriver(sdk: Sdk): Promise<Driver> {
  const [program, ...parameters] = sdk.command;
  const child = spawn(program, parameters, {
    env: { PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map<number, Waiter<SdkOutcome>>();
  const fail = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.on('error', fail);
  const closed = new Promise<void>((resolve) => {
    child.on('close', (code) => {
      fail(new Error(`the driver of ${sdk.name} ended with code ${code}`));
      resolve();
    });
  });
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<DriverReady>((resolve, reject) => {
    lines.once('line', (line) => resolve(JSON.parse(line)));
    closed.then(() => reject(new Error(`the driver of ${sdk.name} did not start`)), reject);
  });
  const { version } = await ready;
  if (version !== sdk.version) {
    child.kill();
    throw new Error(`${sdk.name} is version ${version}, not ${sdk.version}: run \`make test\``);
  }
  lines.on('line', (line) => {
    const outcome: SdkOutcome = JSON.parse(line);
    waiting.get(outcome.id)?.resolve(outcome);
    waiting.delete(outcome.id);
  });
  let calls = 0;
  return {
    call: (request) =>
      new Promise((resolve, reject) => {
        const id = ++calls;
        waiting.set(id, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ ...request, id } satisfies SdkCall)}\n`);
      }),
    stop: () => {
      child.stdin.end();
      child.kill();
      return closed;
    },
  };
}
