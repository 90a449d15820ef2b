// What does one estimate cost, against the usual guess of one token for every four bytes?
//
// The guess reads a length, so the ratio shows the price of all the rest: eight features, three sums, the history of the
// agent and the model. The errors beside it are what that buys, on requests that were not learned from, counted by
// o200k_base. Neither includes scanning the body.

import { readFileSync } from 'node:fs';
import { type EstimateInput, Estimator } from '../core/estimate/estimator.ts';
import type { InputFeatures } from '../core/estimate/features.ts';
import { leastNanoseconds } from './least-nanoseconds.ts';
import { median } from './percentile.ts';
import { printRatio, printTable } from './report.ts';

const CLASSES = ['prose', 'json', 'cjk'];

type Sample = {
  readonly class: string;
  readonly features: InputFeatures;
  readonly tokens: { readonly o200k_base: number };
};

/** One way to say how many input tokens a call has. */
type Guess = (call: EstimateInput) => number;

const bytesOverFour: Guess = ({ bodyBytes }) => Math.ceil(bodyBytes / 4);

function readSamples(): readonly Sample[] {
  const path = new URL('../test/core/estimate/fixtures/corpus.json', import.meta.url);
  // The fixture is our own and has this shape.
  return (JSON.parse(readFileSync(path, 'utf8')) as { samples: Sample[] }).samples;
}

function toCall({ features }: Sample, index: number): EstimateInput {
  return {
    agent: `agent-${index % 4}`,
    model: index % 3 === 0 ? 'gpt-4o' : 'gpt-4o-mini',
    features,
    bodyBytes: features.proseBytes + features.codeBytes + features.nonAsciiBytes,
    maxOutputTokens: index % 2 === 0 ? 500 : undefined,
    modelMaxOutputTokens: 16_384,
  };
}

/** Median of |guess / actual - 1| over the samples of a class, in per cent. */
function medianError(samples: readonly Sample[], corpusClass: string, guess: Guess): string {
  const errors = samples
    .filter((sample) => sample.class === corpusClass)
    .map((sample, index) => Math.abs(guess(toCall(sample, index)) / sample.tokens.o200k_base - 1));
  return `${(100 * median(errors)).toFixed(1)} %`;
}

const samples = readSamples();
const [learned, rest] = [samples.filter((_, i) => i % 2 === 0), samples.filter((_, i) => i % 2 === 1)];
const estimator = new Estimator();
const learn = (sample: Sample, index: number): number => {
  const inputTokens = sample.tokens.o200k_base;
  const usage = { inputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 100 + (index % 200) };
  return estimator.learn(toCall(sample, index), usage) ?? 0;
};
learned.forEach(learn);

const errorsOf = (guess: Guess): string[] => CLASSES.map((each) => medianError(rest, each, guess));
const errors = {
  guess: errorsOf(bytesOverFour),
  estimate: errorsOf((call) => estimator.expectedInput(call)),
};

const calls = rest.map(toCall);
const usage = { inputTokens: 300, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 100 };
const guessNs = leastNanoseconds(calls, bytesOverFour);
const estimateNs = leastNanoseconds(calls, (call) => estimator.estimate(call).learned.input);
const learnNs = leastNanoseconds(calls, (call) => estimator.learn(call, usage) ?? 0);

printTable(
  ['', 'ns', ...CLASSES.map((each) => `error on ${each}`)],
  [
    ['bytes / 4', guessNs.toFixed(1), ...errors.guess],
    ['estimate', estimateNs.toFixed(1), ...errors.estimate],
    ['learn', learnNs.toFixed(1), '', '', ''],
  ],
);
printRatio('estimate_vs_bytes_over_4', estimateNs / guessNs);
