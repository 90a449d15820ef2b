// Estimates what model calls will cost, and learns from what they did cost.
//
// Input: a sum over the features of the body, learned per model family (input-model.ts).
// Output and the share of input read from caches: learned per agent and model (pair-history.ts).
// Only `learn` remembers anything, so names that callers invent cost no memory until an upstream has served them.

import type { Usage } from '../usage.ts';
import { wholeInputTokens } from './counted-tokens.ts';
import type { TokenEstimate } from './estimate.ts';
import type { InputFeatures } from './features.ts';
import { InputModel } from './input-model.ts';
import { leastInputTokens, mostBytesPerToken } from './known-tokens.ts';
import { modelFamily } from './model-family.ts';
import { PairHistory } from './pair-history.ts';
import { createFeatureVector, readFeatures } from './token-weights.ts';

/** Families that learn apart; all further ones share one model. */
export const MOST_FAMILIES = 64;

/** Pairs of agent and model that are remembered; the one that learned longest ago makes room. */
export const MOST_PAIRS = 1_024;

/** Output reserved for a pair without history, unless a cap is known. */
export const COLD_OUTPUT_TOKENS = 1_024;

/** Output reserved in strict mode where neither a cap nor the model's maximum is known, and no longer output was seen. */
export const UNBOUNDED_OUTPUT_TOKENS = 4_096;

/** What is known of a call before it runs. */
export type EstimateInput = {
  readonly agent: string;
  /** As the caller wrote it. */
  readonly model: string;
  /** Undefined when the body was not scanned (too large): then all of `bodyBytes` counts as code. */
  readonly features: InputFeatures | undefined;
  readonly bodyBytes: number;
  /** The caller's cap times the number of choices; undefined when there is none. */
  readonly maxOutputTokens: number | undefined;
  /** The most that the model can write; undefined when unknown. */
  readonly modelMaxOutputTokens: number | undefined;
};

/** What is remembered of one model name. */
type ModelEntry = {
  readonly input: InputModel;
  readonly bytesPerToken: number;
  readonly agents: Map<string, Pair>;
};

type Pair = { readonly history: PairHistory; learnedAt: number };

/**
 * Estimates in constant time and bounded memory (under 2 MB when every table is full). Deterministic: the same calls
 * in the same order give the same estimates.
 */
export class Estimator {
  readonly #families = new Map<string, InputModel>();
  readonly #otherFamilies = new InputModel();
  /** Never learns: what is believed of a family that was not seen yet. */
  readonly #unseenFamily = new InputModel();
  readonly #models = new Map<string, ModelEntry>();
  readonly #vector = createFeatureVector();
  #pairs = 0;
  #learned = 0;
  /** The largest guess of any pair that was forgotten: a pair without history is never given less. */
  #forgottenOutput = 0;

  /**
   * The estimate of a call. Changes nothing. All amounts are whole and `known <= learned <= strict` for the input.
   * `learned.input` leaves out what the pair usually reads from a cache, as InputTokens does; `strict.input` does not.
   * Amounts are not clamped to any limit: that is the engine's part.
   */
  estimate(call: EstimateInput): TokenEstimate {
    const entry = this.#models.get(call.model);
    const pair = entry?.agents.get(call.agent)?.history;
    const family = entry === undefined ? modelFamily(call.model) : '';
    const model = entry?.input ?? this.#knownFamily(family);
    const vector = this.#vector;
    readFeatures(call.features, call.bodyBytes, vector);
    const p90 = model.p90(vector);
    const known = leastKnown(call.features, entry?.bytesPerToken ?? mostBytesPerToken(family), pair);
    const strict = Math.max(known, Math.ceil(model.p99(vector)));
    const learned = Math.max(known, Math.ceil(p90 * (pair?.uncachedShare ?? 1)));
    const strictCap = call.maxOutputTokens ?? call.modelMaxOutputTokens;
    return {
      learned: { input: learned, output: this.#learnedOutput(call, pair) },
      strict: { input: strict, output: strictCap ?? this.#unboundedOutput(pair) },
      known: { input: known, output: 0 },
      // The model's maximum is what the call could cost at most, not what its caller asked for.
      outputBounded: call.maxOutputTokens !== undefined,
    };
  }

  /** Expected input tokens, cached or not: the point prediction behind the quantiles. Not rounded. */
  expectedInput(call: EstimateInput): number {
    const model = this.#models.get(call.model)?.input ?? this.#knownFamily(modelFamily(call.model));
    readFeatures(call.features, call.bodyBytes, this.#vector);
    return model.expected(this.#vector);
  }

  /**
   * Learns from a settled call and returns predicted / actual input tokens as they stood before (for the histogram of
   * errors). A usage without input, or with a count that is negative or not finite, is not learned from: undefined.
   */
  learn(call: EstimateInput, usage: Usage): number | undefined {
    if (!isLearnable(usage)) return undefined;
    const actual = wholeInputTokens(usage);
    const entry = this.#entryOf(call.model);
    readFeatures(call.features, call.bodyBytes, this.#vector);
    const predicted = entry.input.expected(this.#vector);
    entry.input.learn(this.#vector, actual);
    this.#pairOf(entry, call.agent).history.learn(usage);
    return predicted / actual;
  }

  #learnedOutput(call: EstimateInput, pair: PairHistory | undefined): number {
    const cap = call.maxOutputTokens;
    if (pair?.warm === true) return Math.min(pair.p95, cap ?? pair.p95);
    if (cap !== undefined) return cap;
    const guess = Math.max(COLD_OUTPUT_TOKENS, this.#forgottenOutput);
    return Math.min(guess, call.modelMaxOutputTokens ?? guess);
  }

  #unboundedOutput(pair: PairHistory | undefined): number {
    return Math.max(UNBOUNDED_OUTPUT_TOKENS, pair?.p99 ?? 0, this.#forgottenOutput);
  }

  /** The model of a family, without making one. */
  #knownFamily(family: string): InputModel {
    const full = this.#families.size >= MOST_FAMILIES;
    return this.#families.get(family) ?? (full ? this.#otherFamilies : this.#unseenFamily);
  }

  #entryOf(model: string): ModelEntry {
    const known = this.#models.get(model);
    if (known !== undefined) return known;
    const family = modelFamily(model);
    let input = this.#families.get(family);
    if (input === undefined && this.#families.size < MOST_FAMILIES) {
      input = new InputModel();
      this.#families.set(family, input);
    }
    const entry: ModelEntry = {
      input: input ?? this.#otherFamilies,
      bytesPerToken: mostBytesPerToken(family),
      agents: new Map(),
    };
    this.#models.set(model, entry);
    return entry;
  }

  #pairOf(entry: ModelEntry, agent: string): Pair {
    const known = entry.agents.get(agent);
    if (known !== undefined) {
      known.learnedAt = ++this.#learned;
      return known;
    }
    const pair: Pair = { history: new PairHistory(), learnedAt: ++this.#learned };
    entry.agents.set(agent, pair);
    this.#pairs += 1;
    // After adding: the new pair is the youngest, so it never makes room for itself.
    if (this.#pairs > MOST_PAIRS) this.#forgetOldestPair();
    return pair;
  }

  /** Linear, but only for the first call of a pair while the table is full. */
  #forgetOldestPair(): void {
    let oldest: { model: string; agent: string; pair: Pair } | undefined;
    for (const [model, { agents }] of this.#models) {
      for (const [agent, pair] of agents) {
        if (oldest === undefined || pair.learnedAt < oldest.pair.learnedAt) oldest = { model, agent, pair };
      }
    }
    if (oldest === undefined) return;
    this.#forgottenOutput = Math.max(this.#forgottenOutput, oldest.pair.history.p95);
    const agents = this.#models.get(oldest.model)?.agents;
    agents?.delete(oldest.agent);
    if (agents?.size === 0) this.#models.delete(oldest.model);
    this.#pairs -= 1;
  }
}

/** A pair that reads from caches may be charged next to nothing, and an unscanned body may be all inline data. */
function leastKnown(
  features: InputFeatures | undefined,
  bytesPerToken: number,
  pair: PairHistory | undefined,
): number {
  if (features === undefined || pair?.readsCache === true) return 0;
  return leastInputTokens(features, bytesPerToken);
}

function isLearnable(usage: Usage): boolean {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  const counts = [inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens];
  return counts.every((count) => Number.isFinite(count) && count >= 0) && wholeInputTokens(usage) > 0;
}
