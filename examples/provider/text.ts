// The mock's whole language model: a fixed rule for counting tokens and a fixed list of words for generating them.

const BYTES_PER_TOKEN = 4;
const WORDS = ['flow', 'gate', 'speed', 'steam', 'valve', 'wheel', 'load', 'brake', 'shaft', 'turn'] as const;

/** Tokens of a text: one for every started 4 bytes of its UTF-8 form; 0 for the empty text. */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

/** The text of output token number `index` (from 0) of any answer: one word, after a space unless it is the first. */
export function toTokenText(index: number): string {
  const word = WORDS[index % WORDS.length] ?? WORDS[0];
  return index === 0 ? word : ` ${word}`;
}

/** The text of an answer of `tokens` output tokens. It is counted as generated, so it has `tokens` tokens by definition. */
export function toAnswerText(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => toTokenText(index)).join('');
}
