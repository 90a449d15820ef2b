// Faults in what a call is charged when it has ended.

import type { Mutant } from './mutant.ts';

const SETTLEMENT = 'core/settlement.ts';
const USE = 'sidecar/http-proxy/call-use.ts';
const TESTS = ['test/sidecar/http-proxy/settle.test.ts'];
const USE_TESTS = ['test/sidecar/http-proxy/call-use.test.ts'];

export const SETTLE_MUTANTS: readonly Mutant[] = [
  {
    id: 'unsent-costs-a-request',
    file: SETTLEMENT,
    find: "  if (ending.kind === 'unsent') return actual;\n",
    replace: '',
    fault: 'a call that never reached its upstream is charged',
    tests: TESTS,
  },
  {
    id: 'request-refunded',
    file: SETTLEMENT,
    find: '  actual[UNIT_INDEX.Requests] = 1;\n',
    replace: '',
    fault: 'requests are refunded when they end, so that a limit on requests limits nothing',
    tests: TESTS,
  },
  {
    id: 'unsent-not-refunded',
    file: USE,
    find: "  if (!wasSent) return exact({ kind: 'unsent' });\n",
    replace: '',
    fault: 'a dead upstream uses up the limits',
    tests: USE_TESTS,
  },
  {
    id: 'errors-cost-tokens',
    file: USE,
    find: '(status >= 400 || ',
    replace: '(status >= 600 || ',
    fault: 'an error of the upstream is charged tokens that nobody used',
    tests: USE_TESTS,
  },
  {
    id: 'cut-report-believed',
    file: USE,
    find: "if (usage !== undefined && outcome === 'complete') {",
    replace: 'if (usage !== undefined) {',
    fault: 'a caller that leaves in mid-stream is charged the one token that was reported so far',
    tests: USE_TESTS,
  },
  {
    id: 'unreadable-is-free',
    file: USE,
    find: "const isUnreadable = outcome === 'complete' && outputBytes === 0;",
    replace: "const isUnreadable = outcome === 'complete' && outputBytes < 0;",
    fault: 'an answer that cannot be read costs no output',
    tests: USE_TESTS,
  },
  {
    id: 'settled-as-reserved',
    file: 'sidecar/http-proxy/exchange.ts',
    find: 'const actual = use.ending && actualOf(use.ending);',
    replace: 'const actual = use.ending && undefined;',
    fault: 'nothing is ever refunded',
    tests: TESTS,
  },
];
