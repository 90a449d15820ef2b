import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDecisionIds } from '../../sidecar/decision-id.ts';
import { LedgerFormat } from '../../sidecar/ledger-format.ts';
import { type DecisionLine, parseLedgerLine } from '../../sidecar/ledger-line.ts';
import { CALL, decisionOf, REFUSAL, settlementOf, VIOLATION } from './ledger-samples.ts';

const ID = createDecisionIds(1_764_000_000_000, 7).next();

describe('the line of a decision', () => {
  it('holds who, what and which limit with its numbers', () => {
    const line = new LedgerFormat().decision(
      decisionOf(ID, { outcome: 'deny', refusal: REFUSAL, tightest: undefined, heldMs: 250 }),
    );
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual({
      event: 'decision',
      id: ID,
      ts: 1_764_000_000_000,
      revision: 12,
      outcome: 'deny',
      class: 'THROTTLED',
      reason: 'TOKEN_RATE_EXCEEDED',
      policy: '',
      tenant: 'agents',
      agent: 'reviewer',
      user: 'ann@example.com',
      session: 's-1',
      pod: 'reviewer-7d5b9c',
      kind: 'LLM',
      upstream: 'openai',
      model: 'gpt-4o',
      tool: 'unknown',
      waitMs: 7_412,
      heldMs: 250,
      limits: [
        {
          revision: 3,
          namespace: 'agents',
          policy: 'code-review',
          limit: 'tokens-per-user',
          unit: 'TotalTokens',
          per: 'user,model',
          quota: 10_000,
          windowSeconds: 3_600,
          remaining: 12,
          requested: 500,
        },
      ],
    });
  });

  it.each([
    { what: 'the tightest limit of an admitted call', change: {}, limits: 1 },
    { what: 'no limit where none matched', change: { tightest: undefined }, limits: 0 },
    {
      what: 'no limit where none was the cause',
      change: { refusal: { ...REFUSAL, violations: [] } },
      limits: 0,
    },
    {
      what: 'all of two violated limits',
      change: { refusal: { ...REFUSAL, violations: Array(2).fill(VIOLATION) } },
      limits: 2,
    },
    {
      what: 'at most eight limits',
      change: { refusal: { ...REFUSAL, violations: Array(50).fill(VIOLATION) } },
      limits: 8,
    },
  ])('holds $what', ({ change, limits }) => {
    const line = parseLedgerLine(new LedgerFormat().decision(decisionOf(ID, change)));
    expect(line?.event === 'decision' && line.limits).toHaveLength(limits);
  });

  it('shortens what callers choose, and keeps it on one line', () => {
    const call = {
      ...CALL,
      user: `a"\\\n\u001b[2J${'u'.repeat(500)}`,
      session: 's'.repeat(500),
      model: 'é'.repeat(500),
    };
    const line = new LedgerFormat().decision(decisionOf(ID, { call }));
    // A decision was written, so a decision is read.
    const parsed = parseLedgerLine(line) as DecisionLine;
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(parsed.user).toMatch(/^a"\\\[2Ju+…$/);
    expect([parsed.user.length, parsed.session.length, parsed.model.length]).toEqual([64, 64, 128]);
  });

  it('never names the paths of a call', () => {
    const call = { ...CALL, toolNames: ['v1', 'secret-segment'] };
    expect(new LedgerFormat().decision(decisionOf(ID, { call }))).not.toContain('secret-segment');
  });

  it('stays below 16 KiB, whatever callers send', () => {
    const wide = '東'.repeat(1_000);
    const call = {
      ...CALL,
      tenant: wide,
      agent: wide,
      user: wide,
      session: wide,
      tool: wide,
      model: wide,
      upstream: wide,
      pod: wide,
    };
    const policy = { namespace: wide, name: wide, revision: 1 };
    const violations = Array(50).fill({ ...VIOLATION, policy, limit: wide });
    const line = new LedgerFormat().decision(decisionOf(ID, { call, refusal: { ...REFUSAL, violations } }));
    expect(Buffer.byteLength(line)).toBeLessThan(16_384);
    expect(parseLedgerLine(line)?.id).toBe(ID);
  });

  it('says the same of the same text, also after thousands of others', () => {
    const format = new LedgerFormat();
    const first = format.decision(decisionOf(ID));
    for (let n = 0; n < 3_000; n += 1)
      format.decision(decisionOf(ID, { call: { ...CALL, user: `user-${n}` } }));
    expect(format.decision(decisionOf(ID))).toBe(first);
  });
});

describe('the line of a settlement', () => {
  it('holds what was used and charged', () => {
    expect(JSON.parse(new LedgerFormat().settlement(settlementOf(ID, { estimated: true })))).toEqual({
      event: 'settle',
      id: ID,
      ts: 1_764_000_000_900,
      outcome: 'ok',
      status: 200,
      reason: '',
      inputTokens: 812,
      cacheReadTokens: 100,
      cacheWriteTokens: 7,
      outputTokens: 120,
      costMicros: 1_234,
      estimated: true,
      durationMs: 843,
      origin: 'upstream',
    });
  });

  it('is readable even if a number is none', () => {
    const line = new LedgerFormat().settlement(
      settlementOf(ID, { costMicros: Number.NaN, durationMs: 1 / 0 }),
    );
    expect(parseLedgerLine(line)).toMatchObject({ costMicros: -1, durationMs: -1 });
  });
});

describe('reading a line', () => {
  const decision = new LedgerFormat().decision(decisionOf(ID));
  const settlement = new LedgerFormat().settlement(settlementOf(ID));

  it('takes back what was written, whatever the texts', () => {
    const anyText = fc
      .array(fc.integer({ min: 0, max: 0xffff }))
      .map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(anyText, anyText, (user, model) => {
        const line = new LedgerFormat().decision(decisionOf(ID, { call: { ...CALL, user, model } }));
        // The twin: the same line by JSON alone.
        expect(parseLedgerLine(line)).toEqual(JSON.parse(line));
      }),
    );
  });

  it('passes over the prefix of a log collector', () => {
    expect(parseLedgerLine(`2026-11-24T10:00:00Z stdout F ${decision}`)?.id).toBe(ID);
  });

  it.each([
    ['nothing', ''],
    ['another log line', '{"level":"info","msg":"started"}'],
    ['a line cut short', decision.slice(0, -20)],
    ['a line without an id', decision.replace(ID, '')],
    ['an id that is none', decision.replace(ID, 'ID')],
    ['another event', decision.replace('"decision"', '"hold"')],
    ['a text for a number', decision.replace('"waitMs":0', '"waitMs":"0"')],
    ['a number beyond all bounds', decision.replace('"waitMs":0', '"waitMs":1e999')],
    ['limits that are no list', decision.replace(/"limits":.*/, '"limits":{}}')],
    ['a limit without its numbers', decision.replace('"quota":10000,', '')],
    ['a settlement without its tokens', settlement.replace('"outputTokens":120,', '')],
    ['a list', '[]'],
    ['null', 'null'],
  ])('refuses %s', (_, line) => {
    expect(parseLedgerLine(line)).toBeUndefined();
  });

  it('keeps out what is unknown, and control characters that somebody wrote into a file', () => {
    const edited = decision.replace('"reviewer"', '"\\u001b[2Jreviewer","prompt":"my prompt"');
    expect(parseLedgerLine(edited)).toEqual({ ...JSON.parse(decision), agent: '[2Jreviewer' });
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseLedgerLine(text) === undefined));
    fc.assert(fc.property(fc.json(), (text) => parseLedgerLine(text) === undefined));
  });
});
