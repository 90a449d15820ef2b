// `flyball explain ID`: why was this call decided as it was?

import { UNKNOWN } from '../core/call.ts';
import { wholeInputTokens } from '../core/estimate/counted-tokens.ts';
import { toUsd } from '../core/policy/usd.ts';
import { Problem } from '../runtime/problem.ts';
import { string, url } from '../runtime/setting-parsers.ts';
import type { LedgerEntry } from '../sidecar/ledger.ts';
import { readLedgerFile } from '../sidecar/ledger-file.ts';
import type { LimitLine, SettleLine } from '../sidecar/ledger-line.ts';
import { DEFAULT_PORT } from '../sidecar/settings.ts';
import { type Command, EXIT } from './command.ts';

const TABLE = {
  from: { flag: '--from', parser: string('FILE'), doc: 'A decision log, written by --decision-log.' },
  url: {
    flag: '--url',
    env: 'FLYBALL_URL',
    parser: url(),
    default: `http://127.0.0.1:${DEFAULT_PORT}`,
    doc: 'The running sidecar to ask; it remembers its last 10,000 decisions.',
  },
} as const;

const ASK_TIMEOUT_MS = 5_000;

/** Resolves a decision id to policy, limit, revision, key and numbers. */
export const explain: Command<typeof TABLE> = {
  name: 'explain',
  summary: 'why was a call admitted, held or refused',
  usage: ['explain ID [--from FILE | --url URL]'],
  description:
    'Every answer carries the header flyball-decision. Its value is the id of one decision: this command says which policy,\n' +
    'limit and revision decided it, for which key, with which numbers, and what the call used in the end.',
  examples: [
    ['flyball explain 01JD8ZK3Q6V7N2M5R8T0W4X1Y3', 'ask the sidecar that is running now'],
    ['flyball explain 01JD8ZK3Q6V7N2M5R8T0W4X1Y3 --from decisions.jsonl', 'look in a decision log'],
  ],
  table: TABLE,
  run: async ({ settings, words, terminal }) => {
    const [id] = words;
    if (id === undefined || words.length > 1) {
      terminal.err('flyball explain: which ID? It is the value of the header flyball-decision\n');
      return EXIT.usage;
    }
    try {
      const entry =
        settings.from === undefined ? await ask(settings.url, id) : await readLedgerFile(settings.from, id);
      if (entry !== undefined) {
        terminal.out(describe(entry));
        return EXIT.ok;
      }
      terminal.err(
        `flyball explain: no decision ${id} ${settings.from === undefined ? 'is remembered; older ones are in the decision log (--from FILE)' : `in ${settings.from}`}\n`,
      );
      return EXIT.problems;
    } catch (error) {
      terminal.err(
        `flyball explain: ${error instanceof Problem ? error.message : `no sidecar answers at ${settings.url.origin}; give --url or --from`}\n`,
      );
      return EXIT.failed;
    }
  },
};

async function ask(base: URL, id: string): Promise<LedgerEntry | undefined> {
  const path = `${base.pathname.replace(/\/+$/, '')}/v1/decisions/${encodeURIComponent(id)}`;
  const response = await fetch(new URL(path, base), { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  if (response.status !== 200) return undefined;
  return (await response.json()) as LedgerEntry; // Written by a sidecar of the same version.
}

const VERBS = {
  allow: 'admitted at once',
  hold: 'held, then admitted',
  deny: 'refused',
  shadow: 'admitted, but a Shadow policy would have refused it',
  aborted: 'held until its caller left',
} as const;

function describe({ decision, settle }: LedgerEntry): string {
  const target = [decision.upstream, decision.model, decision.tool]
    .filter((part) => part !== '' && part !== UNKNOWN)
    .join(' ');
  const lines = [
    `${decision.id}  ${new Date(decision.ts).toISOString()}`,
    `${decision.kind} call to ${target}: ${VERBS[decision.outcome]}${decision.class === '' ? '' : ` (${decision.class}, ${decision.reason})`}`,
    `by revision ${decision.revision}, for agent ${decision.agent} in ${decision.tenant}, user ${decision.user}, session ${decision.session}`,
  ];
  if (decision.heldMs > 0) lines.push(`held for ${decision.heldMs} ms`);
  if (decision.waitMs > 0) lines.push(`told to wait ${decision.waitMs} ms`);
  if (decision.policy !== '') lines.push(`policy ${decision.policy} does not allow this tool`);
  for (const limit of decision.limits) lines.push(describeLimit(limit));
  lines.push(settle === undefined ? notSettled(decision.outcome) : describeSettle(settle));
  return `${lines.join('\n')}\n`;
}

function describeLimit(limit: LimitLine): string {
  const amount = (value: number): string =>
    limit.unit === 'USD' ? `${toUsd(value)} USD` : `${value} ${limit.unit}`;
  const window = limit.windowSeconds === 0 ? 'at once' : `per ${limit.windowSeconds} s`;
  const key = limit.per === '' ? 'one bucket for all' : `per ${limit.per}`;
  return `limit ${limit.namespace}/${limit.policy} ${limit.limit}: ${amount(limit.quota)} ${window} (${key}), left ${amount(limit.remaining)}, asked ${amount(limit.requested)}`;
}

function describeSettle(settle: SettleLine): string {
  const tokens = `${wholeInputTokens(settle)} input and ${settle.outputTokens} output tokens`;
  const source = settle.estimated ? ' (estimated: the answer reported no usage)' : '';
  const reason = settle.reason === '' ? '' : ` (${settle.reason})`;
  return `ended ${settle.outcome} with status ${settle.status}${reason} after ${settle.durationMs} ms: ${tokens}, ${toUsd(settle.costMicros)} USD${source}`;
}

function notSettled(outcome: keyof typeof VERBS): string {
  return outcome === 'deny' || outcome === 'aborted' ? 'not executed, charged nowhere' : 'not ended yet';
}
