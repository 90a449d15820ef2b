// The raw form of a price table: a JSON document, valid or every problem at once.

import { isMap } from '../policy/finding.ts';
import type { PolicyProblem } from '../policy/policy.ts';
import { shortJson } from '../policy/problem.ts';
import { parseUsd } from '../policy/usd.ts';
import { MICROS_PER_USD } from '../unit.ts';
import type { Price, PriceTable } from './price-table.ts';

/** One thing that is wrong with a price table; `path` is such as `models["gpt-4o"].inputPerMTok`. */
export type PriceProblem = Omit<PolicyProblem, 'kind'>;

export type ParsedPriceTable =
  | { readonly kind: 'valid'; readonly table: PriceTable }
  | { readonly kind: 'invalid'; readonly problems: readonly PriceProblem[] };

/** Prices are below it, so that what a call costs is exact. */
const MOST_MICROS_PER_MTOK = 1_000_000 * MICROS_PER_USD;
const DAY = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const MODEL_NAME = /^(?:\*|[!-)+-~]{1,255}\*?)$/;
const MOST_OUTPUT_TOKENS = 100_000_000;
const MOST_MODELS = 10_000;

const PRICE_FIELDS = [
  'inputPerMTok',
  'cachedInputPerMTok',
  'cacheWritePerMTok',
  'outputPerMTok',
  'maxOutputTokens',
];

type RawObject = Readonly<Record<string, unknown>>;

/**
 * Reads `{ date, models: { NAME: { inputPerMTok, outputPerMTok, cachedInputPerMTok?, cacheWritePerMTok?,
 * maxOutputTokens? } } }`. Prices are decimal strings in USD per million tokens with at most six decimals; a cache
 * price that is absent is the input price. NAME is a model as callers write it, or ends in `*` for all that begin so.
 */
export function parsePriceTable(raw: unknown): ParsedPriceTable {
  const reader = new PriceReader();
  const table = reader.table(raw);
  return table === undefined || reader.problems.length > 0
    ? { kind: 'invalid', problems: reader.problems }
    : { kind: 'valid', table };
}

/** Collects problems while it reads; a part that has one reads as undefined. */
class PriceReader {
  readonly problems: PriceProblem[] = [];

  table(raw: unknown): PriceTable | undefined {
    if (!isMap(raw)) return this.#wrong('', raw, 'must be an object with the fields date and models');
    this.#onlyFields('', raw, ['date', 'models']);
    const date = this.#date(raw.date);
    const rawModels = raw.models;
    if (!isMap(rawModels)) {
      return this.#wrong('models', rawModels, 'must be an object: model name to its prices');
    }
    const names = Object.keys(rawModels);
    if (names.length > MOST_MODELS)
      return this.#wrong('models', names.length, `must have at most ${MOST_MODELS} names`);
    const models = new Map<string, Price>();
    const prefixes: (readonly [string, Price])[] = [];
    for (const name of names) {
      const price = this.#model(name, rawModels[name]);
      if (price === undefined) continue;
      if (name.endsWith('*')) prefixes.push([name.slice(0, -1), price]);
      else models.set(name, price);
    }
    prefixes.sort(([a], [b]) => b.length - a.length);
    return date === undefined ? undefined : { date, models, prefixes };
  }

  #date(raw: unknown): string | undefined {
    if (typeof raw === 'string' && DAY.test(raw)) return raw;
    return this.#wrong('date', raw, 'must be the day of the prices, like "2025-11-30"');
  }

  #model(name: string, raw: unknown): Price | undefined {
    const path = `models[${JSON.stringify(name.slice(0, 80))}]`;
    if (!MODEL_NAME.test(name)) {
      return this.#wrong(path, name, 'must be a model name without spaces, with * at its end or nowhere');
    }
    if (!isMap(raw)) return this.#wrong(path, raw, 'must be an object with inputPerMTok and outputPerMTok');
    this.#onlyFields(path, raw, PRICE_FIELDS);
    const input = this.#price(path, raw, 'inputPerMTok');
    const output = this.#price(path, raw, 'outputPerMTok');
    const cachedInput =
      raw.cachedInputPerMTok === undefined ? input : this.#price(path, raw, 'cachedInputPerMTok');
    const cacheWrite =
      raw.cacheWritePerMTok === undefined ? input : this.#price(path, raw, 'cacheWritePerMTok');
    const maxOutputTokens = this.#maxOutputTokens(path, raw.maxOutputTokens);
    if (
      input === undefined ||
      output === undefined ||
      cachedInput === undefined ||
      cacheWrite === undefined
    ) {
      return undefined;
    }
    return {
      inputMicrosPerMTok: input,
      cachedInputMicrosPerMTok: cachedInput,
      cacheWriteMicrosPerMTok: cacheWrite,
      outputMicrosPerMTok: output,
      maxOutputTokens,
    };
  }

  /** Micro-dollars per million tokens. */
  #price(path: string, raw: RawObject, field: string): number | undefined {
    const value = raw[field];
    const micros = typeof value === 'string' ? parseUsd(value) : undefined;
    if (micros !== undefined && micros < MOST_MICROS_PER_MTOK) return micros;
    return this.#wrong(
      `${path}.${field}`,
      value,
      'must be USD per million tokens, below a million, as a string with at most six decimals, like "2.50"',
    );
  }

  #maxOutputTokens(path: string, raw: unknown): number | undefined {
    if (raw === undefined) return undefined;
    if (typeof raw === 'number' && Number.isInteger(raw) && raw >= 0 && raw <= MOST_OUTPUT_TOKENS) return raw;
    return this.#wrong(`${path}.maxOutputTokens`, raw, 'must be a whole number of tokens, like 16384');
  }

  #onlyFields(path: string, raw: RawObject, fields: readonly string[]): void {
    for (const name of Object.keys(raw)) {
      if (fields.includes(name)) continue;
      const place = path === '' ? name.slice(0, 80) : `${path}.${name.slice(0, 80)}`;
      this.#wrong(place, raw[name], `is not a field here: the fields are ${fields.join(', ')}`);
    }
  }

  #wrong(path: string, value: unknown, message: string): undefined {
    this.problems.push({ path, value: value === undefined ? '' : shortJson(value), message });
    return undefined;
  }
}
