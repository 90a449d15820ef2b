// The recorded corpus, as the tests read it: what real tokenizers count for requests of our own.

import { readFileSync } from 'node:fs';
import type { EstimateInput } from '../../../core/estimate/estimator.ts';
import type { InputFeatures } from '../../../core/estimate/features.ts';
import type { Usage } from '../../../core/usage.ts';

export const CLASSES = ['prose', 'json', 'cjk'] as const;
export type CorpusClass = (typeof CLASSES)[number];

/** Counts by tokenizer. */
type Tokens = Readonly<Record<string, number>>;

export type Sample = {
  readonly class: CorpusClass;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly features: InputFeatures;
  readonly tokens: Tokens;
};

/** A message that repeats one unit: the text that tokenizers pack tightest. */
export type Run = {
  readonly unit: string;
  readonly times: number;
  readonly features: InputFeatures;
  readonly tokens: Tokens;
};

type Corpus = {
  readonly tokenizers: readonly string[];
  readonly samples: readonly Sample[];
  readonly runs: readonly Run[];
};

/** The fixture is written by scripts/record-corpus.ts in this shape. */
export const CORPUS = JSON.parse(
  readFileSync(new URL('./fixtures/corpus.json', import.meta.url), 'utf8'),
) as Corpus;

/** A model of the family whose tokenizer this is, or stands for. */
export const MODEL_OF: Readonly<Record<string, string>> = {
  o200k_base: 'gpt-4o-2024-11-20',
  cl100k_base: 'gpt-4-turbo',
  claude_2: 'claude-sonnet-4-5',
  gemini: 'gemini-2.5-pro',
  qwen3: 'qwen3-235b',
};

/** Calls of a class that the tests learn from before they predict the rest. */
export const LEARNED_CALLS = 50;

/** The samples of a class, every `stride`th, going round: 1 is the order of the recording. */
export function samplesOf(corpusClass: CorpusClass, stride = 1): Sample[] {
  const samples = CORPUS.samples.filter((sample) => sample.class === corpusClass);
  return samples.flatMap((_, i) => samples[(i * stride) % samples.length] ?? []);
}

export function tokensOf(sample: { readonly tokens: Tokens }, tokenizer: string): number {
  const tokens = sample.tokens[tokenizer];
  if (tokens === undefined) throw new Error(`no count of ${tokenizer}`);
  return tokens;
}

export function toCall(features: InputFeatures, model = 'gpt-4o'): EstimateInput {
  return {
    agent: 'researcher',
    model,
    features,
    bodyBytes: features.proseBytes + features.codeBytes + features.nonAsciiBytes,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
  };
}

export function toUsage(inputTokens: number, outputTokens = 100): Usage {
  return { inputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens };
}
