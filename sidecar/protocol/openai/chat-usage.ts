// Usage as chat completions report it: in a plain answer, and in the chunks of a stream.

import type { Usage } from '../../../core/usage.ts';
import { readFields, readFieldsIfObject } from '../json-fields.ts';
import { KeyTable } from '../json-keys.ts';
import { JsonScan } from '../json-scan.ts';
import { spaceEnd } from '../json-tokens.ts';
import { readTokens } from '../token-count.ts';

const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const LOWER_N = 0x6e;

const USAGE_KEYS = new KeyTable(['prompt_tokens', 'completion_tokens', 'prompt_tokens_details']);
const DETAIL_KEYS = new KeyTable(['cached_tokens', 'cache_write_tokens']);
const CHUNK_KEYS = new KeyTable(['choices', 'usage', 'moderation', 'error']);

/**
 * Takes a usage object; undefined for anything else, and when neither prompt nor completion is counted.
 * `prompt_tokens` includes what was read from the cache and what was written to it, `completion_tokens` includes
 * reasoning.
 */
export function readChatUsage(scan: JsonScan): Usage | undefined {
  const counts = { prompt: -1, completion: -1, cached: 0, written: 0 };
  readFieldsIfObject(scan, USAGE_KEYS, (field) => {
    if (field === 'prompt_tokens') counts.prompt = readTokens(scan) ?? -1;
    else if (field === 'completion_tokens') counts.completion = readTokens(scan) ?? -1;
    else readDetails(scan, counts);
  });
  if (scan.problem !== undefined || (counts.prompt < 0 && counts.completion < 0)) return undefined;
  return toUsage(counts);
}

function readDetails(scan: JsonScan, counts: { cached: number; written: number }): void {
  readFieldsIfObject(scan, DETAIL_KEYS, (field) => {
    const tokens = readTokens(scan) ?? 0;
    if (field === 'cached_tokens') counts.cached = tokens;
    else counts.written = tokens;
  });
}

/** The parts never add up to more than the prompt, whatever the details say. */
function toUsage(counts: { prompt: number; completion: number; cached: number; written: number }): Usage {
  const prompt = Math.max(0, counts.prompt);
  const cacheReadTokens = Math.min(counts.cached, prompt);
  const cacheWriteTokens = Math.min(counts.written, prompt - cacheReadTokens);
  return {
    inputTokens: prompt - cacheReadTokens - cacheWriteTokens,
    cacheReadTokens,
    cacheWriteTokens,
    outputTokens: Math.max(0, counts.completion),
  };
}

/** What a chunk of a stream says about usage. */
export type ChunkUsage = {
  readonly usage: Usage | undefined;
  /**
   * True for the chunk that a stream has only because usage was asked for: `choices` is empty, `usage` is an object, and
   * it brings no moderation result and no error.
   */
  readonly isExtra: boolean;
};

/** Reads the chunk whose JSON is `bytes[start, end)`. A chunk that is not JSON says nothing. */
export function readChunk(bytes: Buffer, start: number, end: number): ChunkUsage {
  const scan = new JsonScan(bytes, start, end);
  let usage: Usage | undefined;
  let hasUsage = false;
  let hasChoices = true;
  let hasOther = false;
  readFields(scan, CHUNK_KEYS, (field) => {
    const first = scan.peek();
    const from = scan.pos;
    if (field === 'usage') {
      hasUsage = first === OPEN_OBJECT;
      usage = readChatUsage(scan);
      return;
    }
    scan.skip();
    if (field === 'choices') hasChoices = !isEmptyArray(bytes, from, scan.pos);
    else hasOther ||= first !== LOWER_N;
  });
  if (!scan.atEnd()) return NOTHING;
  return { usage, isExtra: hasUsage && !hasChoices && !hasOther };
}

const NOTHING: ChunkUsage = { usage: undefined, isExtra: false };

function isEmptyArray(bytes: Buffer, start: number, end: number): boolean {
  return bytes[start] === OPEN_ARRAY && spaceEnd(bytes, start + 1, end) === end - 1;
}
