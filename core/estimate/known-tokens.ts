// The least number of input tokens that a text can have, whatever it says.

import type { InputFeatures } from './features.ts';

/** Families whose vocabulary is published: o200k, cl100k, Gemini, Qwen 3, DeepSeek V3. */
const PUBLISHED = /^(?:chatgpt|deepseek|gemini|gpt|o\d|qwen|text-embedding)/;

/**
 * The longest token of each of those is a run of spaces, 128 bytes in the body. With every character above 0x7F written
 * as \uXXXX none is longer (121 bytes: a Thai phrase in o200k).
 */
const PUBLISHED_BYTES_PER_TOKEN = 128;

/**
 * The longest token of any vocabulary found: the one published for older Claude models has tokens of 1,024 NULs and of
 * 1,024 spaces, and reads an ideographic space as a space. Written as \u0000 or \u3000 each has 6 bytes in the body.
 */
const LONGEST_BYTES_PER_TOKEN = 6_144;

/** The most bytes of a request body that can be one token in this model family. */
export function mostBytesPerToken(family: string): number {
  return PUBLISHED.test(family) ? PUBLISHED_BYTES_PER_TOKEN : LONGEST_BYTES_PER_TOKEN;
}

/**
 * Input tokens that a body with these features costs at least, before any is read from a cache. A whole number.
 * Real text has three to five bytes a token, so this is far below the truth: it is meant for bodies that no reading
 * could fit into a limit. It relies on the client escaping no letter that JSON lets it write as it is.
 */
export function leastInputTokens(features: InputFeatures, bytesPerToken: number): number {
  return Math.ceil((features.proseBytes + features.codeBytes + features.nonAsciiBytes) / bytesPerToken);
}
