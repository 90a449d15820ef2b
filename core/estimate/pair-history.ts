// What the calls of one agent to one model have cost: their output, and how much of their input was not cached.

import type { Usage } from '../usage.ts';
import { countedTokens, wholeInputTokens } from './counted-tokens.ts';
import { QuantileSketch } from './quantile-sketch.ts';

/** Output tokens + 1, from 1 to 2^20, in steps of 19 %: 650 bytes a pair. */
const OUTPUT_SHAPE = { lowest: 1, octaves: 20, bucketsPerOctave: 4, memory: 200 };

/** No learned output is larger, whatever upstreams report. */
export const MOST_OUTPUT_TOKENS = OUTPUT_SHAPE.lowest * 2 ** OUTPUT_SHAPE.octaves - 1;

/** Calls before the learned output is used. Below this a p95 is nothing but the largest value seen. */
export const WARM_CALLS = 20;

/** Shares from 1/64 to 1, in steps of 9 %. */
const SHARE_SHAPE = { lowest: 1 / 64, octaves: 6, bucketsPerOctave: 8, memory: 200 };

/** As if this many calls had been seen that read nothing from a cache. */
const PRIOR_UNCACHED_CALLS = 2;

/** What is learned per (agent, model). */
export class PairHistory {
  readonly #outputs = new QuantileSketch(OUTPUT_SHAPE);
  readonly #shares = new QuantileSketch(SHARE_SHAPE);
  #calls = 0;
  #uncachedShare = 1;
  #readsCache = false;
  #p95 = 0;
  #p99 = 0;

  constructor() {
    this.#shares.add(1, PRIOR_UNCACHED_CALLS);
  }

  /** True once enough calls were seen for `p95` to mean something. */
  get warm(): boolean {
    return this.#calls >= WARM_CALLS;
  }

  /** Output tokens that about one call in twenty exceeds. A whole number. */
  get p95(): number {
    return this.#p95;
  }

  /** Output tokens that about one call in a hundred exceeds. A whole number, at least `p95`. */
  get p99(): number {
    return this.#p99;
  }

  /**
   * Share of the input that is charged, in [1/64, 1], exceeded by about one call in ten. 1 until nine in ten of some
   * twenty calls have read from a cache.
   */
  get uncachedShare(): number {
    return this.#uncachedShare;
  }

  /** True once any call read from the provider's cache. */
  get readsCache(): boolean {
    return this.#readsCache;
  }

  /** Learns from one call whose `usage` has whole, non-negative counts and some input. */
  learn(usage: Usage): void {
    this.#calls += 1;
    this.#outputs.add(usage.outputTokens + 1, 1);
    this.#p95 = Math.ceil(this.#outputs.quantile(0.95)) - 1;
    this.#p99 = Math.ceil(this.#outputs.quantile(0.99)) - 1;
    this.#readsCache ||= usage.cacheReadTokens > 0;
    this.#shares.add(countedTokens(usage).input / wholeInputTokens(usage), 1);
    this.#uncachedShare = this.#shares.quantile(0.9);
  }
}
