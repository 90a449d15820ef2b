import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDecisionIds } from '../../sidecar/decision-id.ts';
import { createLedger, type LedgerOptions } from '../../sidecar/ledger.ts';
import { CALL, decisionOf, REFUSAL, settlementOf, VIOLATION } from './ledger-samples.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

function createTestLedger(change: Partial<LedgerOptions> = {}) {
  const written: string[] = [];
  const dropped: number[] = [];
  const ledger = createLedger({
    write: (lines) => {
      written.push(lines);
      return true;
    },
    capacity: 100,
    flushMs: 50,
    onDropped: (lines) => dropped.push(lines),
    ...change,
  });
  const events = () =>
    written
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).event);
  return { ledger, written, dropped, events };
}

describe('the ledger', () => {
  it('finds a decision by its id, first open, then with its settlement', () => {
    const { ledger } = createTestLedger();
    const ids = createDecisionIds(0, 1);
    const [first, second] = [ids.next(), ids.next()];
    ledger.decide(decisionOf(first));
    ledger.decide(decisionOf(second, { outcome: 'deny', refusal: REFUSAL }));
    expect(ledger.find(first)).toMatchObject({
      decision: { id: first, outcome: 'allow' },
      settle: undefined,
    });
    ledger.settle(settlementOf(first));
    expect(ledger.find(first)).toMatchObject({
      decision: { id: first },
      settle: { id: first, costMicros: 1_234 },
    });
    expect(ledger.find(second)).toMatchObject({ decision: { class: 'THROTTLED' }, settle: undefined });
  });

  it('finds nothing under an id that it does not know', () => {
    const { ledger } = createTestLedger();
    const mine = createDecisionIds(0, 1).next();
    ledger.decide(decisionOf(mine));
    ledger.settle(settlementOf(mine));
    expect(ledger.find(createDecisionIds(0, 2).next())).toBeUndefined();
    expect(ledger.find('')).toBeUndefined();
    expect(ledger.find('not an id')).toBeUndefined();
  });

  it('looks back as far as its capacity, with settlements in any order', () => {
    const { ledger } = createTestLedger({ capacity: 10_000 });
    const ids = createDecisionIds(0, 1);
    const made = Array.from({ length: 25_000 }, () => ids.next());
    for (const [at, id] of made.entries()) {
      ledger.decide(decisionOf(id));
      const open = made[at - 7];
      if (at % 2 === 0 && open !== undefined) ledger.settle(settlementOf(open));
    }
    expect(made.filter((id) => ledger.find(id) !== undefined)).toEqual(made.slice(-10_000));
    const settled = made.slice(-10_000).filter((id) => ledger.find(id)?.settle?.id === id);
    expect(settled).toHaveLength(5_000 - 4);
  });

  it('keeps its memory when every line is as long as a caller can make it', () => {
    const { ledger } = createTestLedger({ capacity: 1_000 });
    const ids = createDecisionIds(0, 1);
    const wide = '東'.repeat(200);
    const call = { ...CALL, agent: wide, user: wide, session: wide, tool: wide, model: wide };
    const before = process.memoryUsage().arrayBuffers;
    const made = Array.from({ length: 5_000 }, () => ids.next());
    for (const id of made)
      ledger.decide(decisionOf(id, { call, refusal: { ...REFUSAL, violations: Array(8).fill(VIOLATION) } }));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
    const found = made.filter((id) => ledger.find(id) !== undefined);
    expect(found.length).toBeGreaterThan(200);
    expect(found).toEqual(made.slice(-found.length));
  });

  it('hands lines on in order after their time, in one piece', () => {
    const { ledger, written, events } = createTestLedger();
    const id = createDecisionIds(0, 1).next();
    ledger.decide(decisionOf(id));
    ledger.settle(settlementOf(id));
    vi.advanceTimersByTime(49);
    expect(written).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(written).toHaveLength(1);
    expect(events()).toEqual(['decision', 'settle']);
    vi.advanceTimersByTime(1_000);
    expect(written).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('hands lines on early when many come, only whole ones and each once', () => {
    const { ledger, written, events } = createTestLedger();
    const ids = createDecisionIds(0, 1);
    for (let n = 0; n < 1_000; n += 1) ledger.decide(decisionOf(ids.next()));
    expect(written.length).toBeGreaterThan(5);
    expect(written.every((lines) => lines.endsWith('\n') && lines.length < 40_000)).toBe(true);
    ledger.flush();
    const batches = written.length;
    ledger.flush();
    expect(written).toHaveLength(batches);
    expect(events()).toHaveLength(1_000);
  });

  it('says how many lines were dropped', () => {
    const { ledger, dropped } = createTestLedger({ write: () => false });
    const id = createDecisionIds(0, 1).next();
    ledger.decide(decisionOf(id));
    ledger.settle(settlementOf(id));
    ledger.flush();
    ledger.settle(settlementOf(id));
    ledger.flush();
    expect(dropped).toEqual([2, 1]);
    expect(ledger.find(id)?.settle?.id).toBe(id);
  });

  it('hands on what still comes after it is closed, at once', () => {
    const { ledger, events } = createTestLedger();
    const id = createDecisionIds(0, 1).next();
    ledger.decide(decisionOf(id));
    ledger.close();
    expect(events()).toEqual(['decision']);
    ledger.settle(settlementOf(id));
    expect(events()).toEqual(['decision', 'settle']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
