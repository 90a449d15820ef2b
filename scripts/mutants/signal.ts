// Faults in what a refused caller is told.

import type { Mutant } from './mutant.ts';

const test = (name: string): string => `test/core/signal/${name}.test.ts`;

export const SIGNAL_MUTANTS: readonly Mutant[] = [
  {
    id: 'seconds-rounded-down',
    file: 'core/signal/retry-after.ts',
    find: 'seconds: Math.ceil(ms / 1000)',
    replace: 'seconds: Math.floor(ms / 1000)',
    fault: 'callers that read whole seconds come back too early, or at once',
    tests: [test('retry-after')],
  },
  {
    id: 'sixty-is-short',
    file: 'core/signal/retry-after.ts',
    find: 'const MAX_THROTTLED_SECONDS = 59;',
    replace: 'const MAX_THROTTLED_SECONDS = 60;',
    fault: 'SDKs ignore a wait of 60 seconds and retry within two',
    tests: [test('retry-after')],
  },
  {
    id: 'long-wait-in-ms',
    file: 'core/signal/deny-class.ts',
    find: "retryAfter: { kind: 'wait', minMs: 1, maxMs: MAX_WAIT_MS, inMs: false },",
    replace: "retryAfter: { kind: 'wait', minMs: 1, maxMs: MAX_WAIT_MS, inMs: true },",
    fault: 'SDKs sleep inside one call for hours',
    tests: [test('deny-class'), 'test/sidecar/protocol/answer.test.ts'],
  },
  {
    id: 'deferred-retried',
    file: 'core/signal/deny-class.ts',
    find: "    shouldRetry: 'false',\n    action: 'stop',\n    retryable: true,",
    replace: "    shouldRetry: 'absent',\n    action: 'stop',\n    retryable: true,",
    fault: 'SDKs retry a call that will not pass for minutes',
    tests: [test('deny-class'), 'test/sidecar/protocol/answer.test.ts'],
  },
  {
    id: 'timeout-is-502',
    file: 'core/signal/deny-class.ts',
    find: "return refusal.reason === 'UPSTREAM_TIMEOUT' ? 504 : DENY_CLASS_RULES[refusal.class].httpStatus;",
    replace: 'return DENY_CLASS_RULES[refusal.class].httpStatus;',
    fault: 'an upstream that is slow looks like one that is dead',
    tests: [test('deny-class'), 'test/sidecar/protocol/answer.test.ts'],
  },
  {
    id: 'executed-denied',
    file: 'core/signal/deny-class.ts',
    find: "return reason === 'UPSTREAM_TIMEOUT' || reason === 'UPSTREAM_BROKEN' ? null : false;",
    replace: 'return reason === null ? null : false;',
    fault: 'a call that may have run is said not to have run',
    tests: [test('backpressure'), test('deny-class')],
  },
  {
    id: 'signal-unbounded',
    file: 'core/signal/backpressure.ts',
    find: '(object) => JSON.stringify(object).length <= MAX_SIGNAL_BYTES,',
    replace: '(object) => JSON.stringify(object).length > 0,',
    fault: 'long names in policies make refusals larger than gateways let pass',
    tests: [test('backpressure')],
  },
  {
    id: 'names-not-cleaned',
    file: 'core/signal/fit-refusal.ts',
    find: "return cut.replace(/[^\\x20-\\x7e]/g, '?');",
    replace: 'return cut;',
    fault: 'a name in a policy breaks headers and texts',
    tests: [test('backpressure'), test('message')],
  },
  {
    id: 'quotes-not-escaped',
    file: 'core/signal/rate-limit-fields.ts',
    find: ".replace(/[\"\\\\]/g, '\\\\$&')",
    replace: '',
    fault: 'a name with a quote makes the RateLimit fields unreadable',
    tests: [test('rate-limit-fields')],
  },
  {
    id: 'stop-words-said',
    file: 'core/signal/message.ts',
    find: 'return STOP_WORDS.test(name)',
    replace: "return name === ''",
    fault: 'frameworks give up for good on a limit whose name has quota or billing in it',
    tests: [test('message')],
  },
];
