// Faults in what the sidecar reads from requests and answers.

import type { Mutant } from './mutant.ts';

const test = (name: string): string => `test/sidecar/protocol/${name}.test.ts`;

export const PROTOCOL_MUTANTS: readonly Mutant[] = [
  {
    id: 'line-end-across-chunks',
    file: 'sidecar/protocol/sse-lines.ts',
    find: 'this.endsInReturn = end === chunk.length - 1 && chunk[end] === CARRIAGE_RETURN;',
    replace: 'this.endsInReturn = false;',
    fault: 'a stream that is cut between CR and LF has empty lines that it does not have',
    tests: [test('sse-lines')],
  },
  {
    id: 'escape-across-chunks',
    file: 'sidecar/protocol/answer-reader.ts',
    find: 'this.isInEscape = quote === MALFORMED && isEscaped(chunk, from, chunk.length);',
    replace: 'this.isInEscape = false;',
    fault: 'an answer that is cut inside an escape loses its usage, and so is charged a guess',
    tests: [test('answer-reader')],
  },
  {
    id: 'usage-added-up',
    file: 'sidecar/protocol/anthropic/message-usage.ts',
    find: 'outputTokens: counts.output_tokens ?? known?.outputTokens ?? 0,',
    replace: 'outputTokens: (counts.output_tokens ?? 0) + (known?.outputTokens ?? 0),',
    fault: 'the cumulative counts of a stream are added up',
    tests: [test('anthropic/usage')],
  },
  {
    id: 'smaller-cap-wins',
    file: 'sidecar/protocol/openai/request.ts',
    find: 'this.maxTokens = larger(this.maxTokens, readCount(scan, field));',
    replace: 'this.maxTokens = readCount(scan, field);',
    fault: 'a caller hides a large cap behind a small one of another name',
    tests: [test('openai/request')],
  },
  {
    id: 'choices-not-counted',
    file: 'sidecar/protocol/openai/request.ts',
    find: 'Math.min(this.maxTokens * this.choices, Number.MAX_SAFE_INTEGER)',
    replace: 'Math.min(this.maxTokens, Number.MAX_SAFE_INTEGER)',
    fault: 'a request for eight choices reserves one',
    tests: [test('openai/request')],
  },
  {
    id: 'nesting-unbounded',
    file: 'sidecar/protocol/json-scan.ts',
    find: 'export const MAX_DEPTH = 64;',
    replace: 'export const MAX_DEPTH = 1_000_000;',
    fault: 'a body of brackets overflows the stack',
    tests: [test('json-scan')],
  },
  {
    id: 'look-alike-read',
    file: 'sidecar/protocol/json-scan.ts',
    find: 'if (index === LOOK_ALIKE) this.fail(',
    replace: 'if (index === Number.NaN) this.fail(',
    fault: 'a field in another case is read by the provider and not by us',
    tests: [test('json-scan'), test('json-keys'), test('openai/request')],
  },
  {
    id: 'bomb-decoded',
    file: 'sidecar/protocol/content-encoding.ts',
    find: 'const MAX_RATIO = 100;',
    replace: 'const MAX_RATIO = 1e9;',
    fault: 'a small compressed body takes all the memory',
    tests: [test('content-encoding')],
  },
  {
    id: 'splice-without-comma',
    file: 'sidecar/protocol/openai/usage-splice.ts',
    find: `inserted: isEmpty ? '"include_usage":true' : '"include_usage":true,',`,
    replace: `inserted: '"include_usage":true',`,
    fault: 'a request with other stream options is made invalid',
    tests: [test('openai/request'), test('openai/usage-splice')],
  },
  {
    id: 'cached-counted-twice',
    file: 'sidecar/protocol/openai/chat-usage.ts',
    find: 'inputTokens: prompt - cacheReadTokens - cacheWriteTokens,',
    replace: 'inputTokens: prompt,',
    fault: 'cached tokens are counted and paid for twice',
    tests: [test('openai/usage')],
  },
  {
    id: 'moderation-cut-out',
    file: 'sidecar/protocol/openai/chat-usage.ts',
    find: 'isExtra: hasUsage && !hasChoices && !hasOther',
    replace: 'isExtra: hasUsage && !hasChoices',
    fault: 'an error in the last event of a stream is taken out with the usage',
    tests: [test('openai/usage')],
  },
];
