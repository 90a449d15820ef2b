import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../runtime/clock.ts';
import { createLifecycle } from '../../runtime/lifecycle.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Moves with the faked timers. */
const clock: Clock = { nowMs: () => Date.now(), wallMs: () => Date.now() };

const never = (): Promise<void> => new Promise(() => {});

describe('stopping', () => {
  it('goes in the reverse order of starting, one part after the other', async () => {
    const lifecycle = createLifecycle(clock);
    const log: string[] = [];
    for (const name of ['log', 'proxy', 'probe']) {
      lifecycle.onStop(
        name,
        async () => {
          log.push(`${name} stops`);
          await Promise.resolve();
          log.push(`${name} stopped`);
        },
        1_000,
      );
    }
    expect(await lifecycle.stop(5_000)).toEqual([]);
    expect(log).toEqual([
      'probe stops',
      'probe stopped',
      'proxy stops',
      'proxy stopped',
      'log stops',
      'log stopped',
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('collects failures and goes on', async () => {
    const lifecycle = createLifecycle(clock);
    const stopped = vi.fn();
    const asynchronous = new Error('asynchronous');
    const synchronous = new Error('synchronous');
    lifecycle.onStop('first', stopped, 1_000);
    lifecycle.onStop('second', () => Promise.reject(asynchronous), 1_000);
    lifecycle.onStop(
      'third',
      () => {
        throw synchronous;
      },
      1_000,
    );
    expect(await lifecycle.stop(5_000)).toEqual([
      { name: 'third', error: synchronous },
      { name: 'second', error: asynchronous },
    ]);
    expect(stopped).toHaveBeenCalledOnce();
  });

  it('waits for a part no longer than its own grace', async () => {
    const lifecycle = createLifecycle(clock);
    const stopped = vi.fn();
    lifecycle.onStop('log', stopped, 1_000);
    lifecycle.onStop('proxy', never, 2_000);
    const done = lifecycle.stop(10_000);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(stopped).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(stopped).toHaveBeenCalledOnce();
    expect(await done).toMatchObject([
      { name: 'proxy', error: { message: 'proxy did not stop within 2000 ms' } },
    ]);
  });

  it('takes no longer than the whole grace, and still asks every part', async () => {
    const lifecycle = createLifecycle(clock);
    const asked: string[] = [];
    for (const name of ['log', 'proxy', 'probe']) {
      lifecycle.onStop(
        name,
        () => {
          asked.push(name);
          return never();
        },
        4_000,
      );
    }
    const done = lifecycle.stop(5_000);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(asked).toEqual(['probe', 'proxy']);
    // The last part has no time left, so it gets the one turn of the event loop that a timer of 0 takes.
    await vi.advanceTimersByTimeAsync(2);
    const failures = await done;
    expect(failures.map(({ name }) => name)).toEqual(['probe', 'proxy', 'log']);
    expect(asked).toEqual(['probe', 'proxy', 'log']);
  });

  it('happens once, however often it is asked for, even by a part that is stopping', async () => {
    const lifecycle = createLifecycle(clock);
    const stopped = vi.fn(() => {
      expect(lifecycle.stopping).toBe(true);
      void lifecycle.stop(1);
    });
    lifecycle.onStop('proxy', stopped, 1_000);
    expect(lifecycle.stopping).toBe(false);
    const first = lifecycle.stop(1_000);
    expect(lifecycle.stop(1_000)).toBe(first);
    expect(await first).toEqual([]);
    expect(stopped).toHaveBeenCalledOnce();
  });

  it('refuses a part that is started too late', async () => {
    const lifecycle = createLifecycle(clock);
    await lifecycle.stop(1_000);
    expect(() => lifecycle.onStop('late', () => {}, 1_000)).toThrow(
      'late was started while the process stops',
    );
  });
});
