// Usage as the messages API reports it: in a plain answer, and in two kinds of event of a stream.

import type { Usage } from '../../../core/usage.ts';
import { readFields, readFieldsIfObject } from '../json-fields.ts';
import { KeyTable } from '../json-keys.ts';
import { JsonScan } from '../json-scan.ts';
import { readTokens } from '../token-count.ts';

const COUNTS = new KeyTable([
  'input_tokens',
  'output_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
]);
type Counts = { [Name in (typeof COUNTS.names)[number]]?: number };

const EVENT_KEYS = new KeyTable(['usage', 'message']);
const MESSAGE_KEYS = new KeyTable(['usage']);

/**
 * Takes a usage object and merges it over the usage known before: counts are cumulative, so the last one wins and none
 * is added up; a count that is absent or null keeps its earlier value. Anything but an object changes nothing, and so
 * does an object without any count.
 */
export function mergeUsage(known: Usage | undefined, scan: JsonScan): Usage | undefined {
  const counts: Counts = {};
  readFieldsIfObject(scan, COUNTS, (name) => {
    const tokens = readTokens(scan);
    if (tokens !== undefined) counts[name] = tokens;
  });
  if (scan.problem !== undefined || Object.keys(counts).length === 0) return known;
  return {
    inputTokens: counts.input_tokens ?? known?.inputTokens ?? 0,
    cacheReadTokens: counts.cache_read_input_tokens ?? known?.cacheReadTokens ?? 0,
    cacheWriteTokens: counts.cache_creation_input_tokens ?? known?.cacheWriteTokens ?? 0,
    outputTokens: counts.output_tokens ?? known?.outputTokens ?? 0,
  };
}

/**
 * Merges the usage of the event whose JSON is `bytes[start, end)`: that of its message (`message_start`) or its own
 * (`message_delta`). An event that is not JSON changes nothing.
 */
export function mergeEvent(
  known: Usage | undefined,
  bytes: Buffer,
  start: number,
  end: number,
): Usage | undefined {
  const scan = new JsonScan(bytes, start, end);
  let merged = known;
  readFields(scan, EVENT_KEYS, (field) => {
    if (field === 'usage') {
      merged = mergeUsage(merged, scan);
      return;
    }
    readFieldsIfObject(scan, MESSAGE_KEYS, () => {
      merged = mergeUsage(merged, scan);
    });
  });
  return scan.atEnd() ? merged : known;
}
