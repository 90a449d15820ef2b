import { describe, expect, it } from 'vitest';
import { createClock, readClock, wasSuspended } from '../../runtime/clock.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

describe('the clock of this process', () => {
  it('gives whole milliseconds that never go back', () => {
    const clock = createClock();
    let lastMs = clock.nowMs();
    for (let reading = 0; reading < 1_000; reading += 1) {
      const nowMs = clock.nowMs();
      expect(Number.isInteger(nowMs)).toBe(true);
      expect(nowMs).toBeGreaterThanOrEqual(lastMs);
      lastMs = nowMs;
    }
    expect(Number.isInteger(clock.wallMs())).toBe(true);
  });
});

describe('a suspend', () => {
  it.each<{ what: string; happens: (clock: FakeClock) => void; suspended: boolean }>([
    { what: 'time passes', happens: (clock) => clock.advance(3_600_000), suspended: false },
    { what: 'the wall clock is a second ahead', happens: (clock) => clock.suspend(1_000), suspended: false },
    {
      what: 'the wall clock is more than a second ahead',
      happens: (clock) => clock.suspend(1_001),
      suspended: true,
    },
    { what: 'the machine sleeps while time passes', happens: sleepAndWork, suspended: true },
    { what: 'the wall clock is set back', happens: (clock) => clock.setWall(0), suspended: false },
  ])('is seen ($suspended) when $what', ({ happens, suspended }) => {
    const clock = createFakeClock();
    const earlier = readClock(clock);
    happens(clock);
    expect(wasSuspended(earlier, readClock(clock))).toBe(suspended);
  });
});

function sleepAndWork(clock: FakeClock): void {
  clock.advance(500);
  clock.suspend(30_000);
  clock.advance(500);
}
