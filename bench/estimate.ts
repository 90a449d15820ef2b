// What does one estimate cost, against the usual guess of one token for every four bytes?
//
// The guess reads a length, so the ratio shows the price of all the rest: eight features, three sums, the history of the
// agent and the model. Neither includes scanning the body. Run: npx --no-install node bench/estimate.ts

import { readFileSync } from 'node:fs';
import { type EstimateInput, Estimator } from '../core/estimate/estimator.ts';
import type { InputFeatures } from '../core/estimate/features.ts';

const ROUNDS = 7;
const CALLS_PER_ROUND = 1_000_000;
const MODELS = ['gpt-4o', 'gpt-5-mini', 'claude-sonnet-4-5'];

type Sample = { readonly features: InputFeatures; readonly tokens: Readonly<Record<string, number>> };

function readSamples(): readonly Sample[] {
  const path = new URL('../test/core/estimate/fixtures/corpus.json', import.meta.url);
  // The fixture is our own and has this shape.
  return (JSON.parse(readFileSync(path, 'utf8')) as { samples: Sample[] }).samples;
}

function toCall(sample: Sample, index: number): EstimateInput {
  const { proseBytes, codeBytes, nonAsciiBytes } = sample.features;
  return {
    agent: `agent-${index % 4}`,
    model: MODELS[index % MODELS.length] ?? 'gpt-4o',
    features: sample.features,
    bodyBytes: proseBytes + codeBytes + nonAsciiBytes,
    maxOutputTokens: index % 2 === 0 ? 500 : undefined,
    modelMaxOutputTokens: 16_384,
  };
}

/** Nanoseconds a call in the fastest round; `work` returns a number so that nothing is optimised away. */
function leastNanoseconds(calls: readonly EstimateInput[], work: (call: EstimateInput) => number): number {
  let least = Number.POSITIVE_INFINITY;
  let sink = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const startedNs = process.hrtime.bigint();
    for (let done = 0; done < CALLS_PER_ROUND; ) {
      for (const call of calls) sink += work(call);
      done += calls.length;
    }
    least = Math.min(least, Number(process.hrtime.bigint() - startedNs) / CALLS_PER_ROUND);
  }
  if (!(sink > 0)) throw new Error('nothing was estimated');
  return least;
}

const samples = readSamples();
const calls = samples.map(toCall);
const estimator = new Estimator();
for (const [index, call] of calls.entries()) {
  const inputTokens = samples[index]?.tokens.o200k_base ?? 1;
  estimator.learn(call, { inputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 100 + index });
}

const usage = { inputTokens: 300, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 100 };
const guessNs = leastNanoseconds(calls, ({ bodyBytes }) => Math.ceil(bodyBytes / 4));
const estimateNs = leastNanoseconds(calls, (call) => estimator.estimate(call).learned.input);
const learnNs = leastNanoseconds(calls, (call) => estimator.learn(call, usage) ?? 0);

console.log(`bytes / 4        ${guessNs.toFixed(1)} ns`);
console.log(`estimate         ${estimateNs.toFixed(1)} ns`);
console.log(`learn            ${learnNs.toFixed(1)} ns`);
console.log(`ratio estimate-to-bytes-over-4 ${(estimateNs / guessNs).toFixed(1)}`);
