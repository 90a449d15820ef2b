import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePriceTable } from '../../../core/price/parse-price-table.ts';

const DATE = '2026-01-31';

function pathsOf(raw: unknown): string[] {
  const parsed = parsePriceTable(raw);
  return parsed.kind === 'valid' ? [] : parsed.problems.map(({ path }) => path);
}

function tableOf(model: unknown): unknown {
  return { date: DATE, models: { m: model } };
}

describe('a valid price table', () => {
  test('is read to whole micro-dollars per million tokens', () => {
    const raw = tableOf({
      inputPerMTok: '2.50',
      cachedInputPerMTok: '0.000001',
      cacheWritePerMTok: '3',
      outputPerMTok: '10.123456',
      maxOutputTokens: 16_384,
    });
    expect(parsePriceTable(raw)).toEqual({
      kind: 'valid',
      table: {
        date: DATE,
        models: new Map([
          [
            'm',
            {
              inputMicrosPerMTok: 2_500_000,
              cachedInputMicrosPerMTok: 1,
              cacheWriteMicrosPerMTok: 3_000_000,
              outputMicrosPerMTok: 10_123_456,
              maxOutputTokens: 16_384,
            },
          ],
        ]),
        prefixes: [],
      },
    });
  });

  test('takes the input price where a cache price is absent, and knows no maximum where none is given', () => {
    const parsed = parsePriceTable(tableOf({ inputPerMTok: '2', outputPerMTok: '8' }));
    expect(parsed.kind === 'valid' && parsed.table.models.get('m')).toEqual({
      inputMicrosPerMTok: 2_000_000,
      cachedInputMicrosPerMTok: 2_000_000,
      cacheWriteMicrosPerMTok: 2_000_000,
      outputMicrosPerMTok: 8_000_000,
      maxOutputTokens: undefined,
    });
  });

  test('may be empty: then no model has a price', () => {
    expect(parsePriceTable({ date: DATE, models: {} }).kind).toBe('valid');
  });

  test('reads every price with up to six decimals exactly', () => {
    fc.assert(
      fc.property(
        fc.nat(999_999),
        fc.integer({ min: 0, max: 6 }),
        fc.nat(999_999),
        (dollars, digits, rest) => {
          const decimals = String(rest).padStart(6, '0').slice(0, digits);
          const text = digits === 0 ? String(dollars) : `${dollars}.${decimals}`;
          const parsed = parsePriceTable(tableOf({ inputPerMTok: text, outputPerMTok: '0' }));
          const micros = BigInt(dollars) * 1_000_000n + BigInt(decimals.padEnd(6, '0'));
          expect(parsed.kind === 'valid' && parsed.table.models.get('m')?.inputMicrosPerMTok).toBe(
            Number(micros),
          );
        },
      ),
    );
  });
});

describe('a price table with problems', () => {
  const good = { inputPerMTok: '1', outputPerMTok: '1' };

  test.each<[string, unknown, string[]]>([
    ['no object', 3, ['']],
    ['null', null, ['']],
    ['a list', [], ['']],
    ['nothing in it', {}, ['date', 'models']],
    ['a date that is none', { date: '2026-13-01', models: {} }, ['date']],
    ['models in a list', { date: DATE, models: [good] }, ['models']],
    ['an unknown field', { date: DATE, models: {}, currency: 'EUR' }, ['currency']],
    ['a model that is a number', tableOf(1), ['models["m"]']],
    ['a model without prices', tableOf({}), ['models["m"].inputPerMTok', 'models["m"].outputPerMTok']],
    ['a price as a number', tableOf({ ...good, inputPerMTok: 2.5 }), ['models["m"].inputPerMTok']],
    ['a negative price', tableOf({ ...good, outputPerMTok: '-1' }), ['models["m"].outputPerMTok']],
    ['an exponent', tableOf({ ...good, outputPerMTok: '1e3' }), ['models["m"].outputPerMTok']],
    [
      'seven decimals',
      tableOf({ ...good, cachedInputPerMTok: '0.0000001' }),
      ['models["m"].cachedInputPerMTok'],
    ],
    ['a price of a million', tableOf({ ...good, outputPerMTok: '1000000' }), ['models["m"].outputPerMTok']],
    ['an empty price', tableOf({ ...good, cacheWritePerMTok: '' }), ['models["m"].cacheWritePerMTok']],
    ['a price of null', tableOf({ ...good, cacheWritePerMTok: null }), ['models["m"].cacheWritePerMTok']],
    ['half a token', tableOf({ ...good, maxOutputTokens: 0.5 }), ['models["m"].maxOutputTokens']],
    ['a negative maximum', tableOf({ ...good, maxOutputTokens: -1 }), ['models["m"].maxOutputTokens']],
    ['a misspelt field', tableOf({ ...good, inputPerMtok: '1' }), ['models["m"].inputPerMtok']],
    ['a star within a name', { date: DATE, models: { 'a*b': good } }, ['models["a*b"]']],
    ['a name with a space', { date: DATE, models: { 'a b': good } }, ['models["a b"]']],
    ['an empty name', { date: DATE, models: { '': good } }, ['models[""]']],
  ])('%s: says where', (_name, raw, paths) => {
    expect(pathsOf(raw)).toEqual(paths);
  });

  test('names every problem at once, with its value and a fix', () => {
    const parsed = parsePriceTable({ date: 'today', models: { a: { inputPerMTok: 1 }, b: good } });
    expect(parsed.kind === 'invalid' && parsed.problems).toEqual([
      { path: 'date', value: '"today"', message: 'must be the day of the prices, like "2025-11-30"' },
      {
        path: 'models["a"].inputPerMTok',
        value: '1',
        message:
          'must be USD per million tokens, below a million, as a string with at most six decimals, like "2.50"',
      },
      {
        path: 'models["a"].outputPerMTok',
        value: '',
        message:
          'must be USD per million tokens, below a million, as a string with at most six decimals, like "2.50"',
      },
    ]);
  });

  test('is never an exception, and values are cut short', () => {
    fc.assert(
      fc.property(fc.anything(), (raw) => {
        const parsed = parsePriceTable(raw);
        if (parsed.kind === 'valid') return;
        expect(parsed.problems.length).toBeGreaterThan(0);
        for (const { value, message } of parsed.problems) {
          expect(value.length).toBeLessThanOrEqual(80);
          expect(message).not.toBe('');
        }
      }),
    );
  });
});
