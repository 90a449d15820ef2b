// The generated parts of docs/signals.md. Statuses, headers and bodies are taken from real answers, so the page cannot
// say anything that the code does not do.

import {
  DENY_CLASSES,
  type DenyClass,
  REASONS,
  type Reason,
  type Refusal,
  type Violation,
} from '../../core/refusal.ts';
import { DENY_CLASS_RULES, executedOf, mayCarry, REASON_RULES } from '../../core/signal/deny-class.ts';
import { toMessage } from '../../core/signal/message.ts';
import * as anthropic from './anthropic/answer.ts';
import * as http from './http/answer.ts';
import * as openai from './openai/answer.ts';
import type { Answer, AnswerContext } from './protocol.ts';

const WHEN: Readonly<Record<DenyClass, string>> = {
  THROTTLED: 'the wait is at most 59 s',
  DEFERRED: 'the wait is longer than 59 s',
  EXHAUSTED: 'used up, with no time at which it comes back',
  TOO_LARGE: 'the call can never fit',
  FORBIDDEN: 'not allowed at any rate',
  INVALID: 'input that cannot be governed',
  UNAUTHENTICATED: 'identity missing or contradictory where one is required',
  UPSTREAM_FAILED: 'the upstream was dead or broke before its first byte',
  UNAVAILABLE: 'nothing may be admitted at the moment',
};

const CONTEXT: AnswerContext = {
  decisionId: '01KATZ3Q6V7N2M5R8T0W4X1Y3B',
  wallClockMs: Date.UTC(2026, 10, 24, 16),
  attempt: 1,
};

const OUTPUT: Violation = {
  policy: { namespace: 'agents', name: 'code-review', revision: 7 },
  limit: 'output',
  unit: 'OutputTokens',
  per: ['user'],
  quota: 50_000,
  windowSeconds: 60,
  remaining: 200,
  requested: 900,
};

const DOLLARS: Violation = {
  ...OUTPUT,
  limit: 'dollars',
  unit: 'USD',
  quota: 25_000_000,
  windowSeconds: 86_400,
  remaining: 120_000,
  requested: 451_500,
};

/**
 * The page with its generated sections written anew. A section stands between `<!-- generated:NAME -->` and
 * `<!-- /generated:NAME -->`; sections of other names are left alone.
 *
 * @throws Error when the page lacks one of the sections
 */
export function renderSignalsPage(page: string): string {
  const sections = {
    classes: renderClasses(),
    dialects: renderDialects(),
    reasons: renderReasons(),
    examples: renderExamples(),
  };
  return Object.entries(sections).reduce((text, [name, body]) => replaceSection(text, name, body), page);
}

/**
 * The page with another text between the marks of one section.
 *
 * @throws Error when the page lacks it
 */
export function replaceSection(page: string, name: string, body: string): string {
  const start = `<!-- generated:${name} -->\n`;
  const end = `<!-- /generated:${name} -->`;
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/signals.md has no section ${start.trim()} … ${end}`);
  return `${page.slice(0, from + start.length)}\n${body}\n${page.slice(to)}`;
}

function renderClasses(): string {
  return renderTable(
    ['class', 'when', 'HTTP', 'Retry-After', 'x-should-retry', 'action', 'gRPC'],
    DENY_CLASSES.map((denyClass) => {
      const { grpcCode, shouldRetry, action } = DENY_CLASS_RULES[denyClass];
      return [
        denyClass,
        WHEN[denyClass],
        statuses(denyClass, http.toAnswer),
        waitWords(denyClass),
        shouldRetry,
        `\`${action}\``,
        grpcCode,
      ];
    }),
  );
}

function waitWords(denyClass: DenyClass): string {
  const rule = DENY_CLASS_RULES[denyClass].retryAfter;
  if (rule.kind === 'none') return 'none';
  const bounds = rule.minMs < 1000 ? 'whole seconds' : `${rule.minMs / 1000} to ${rule.maxMs / 1000} s`;
  return rule.inMs ? `${bounds}, and \`retry-after-ms\`` : bounds;
}

/** Every status that the class has over its reasons. */
function statuses(denyClass: DenyClass, toAnswer: typeof http.toAnswer): string {
  const all = REASONS.filter((reason) => mayCarry(denyClass, reason)).map(
    (reason) => toAnswer({ ...EXAMPLES[denyClass], reason }, CONTEXT).status,
  );
  return [...new Set(all)].join(' / ');
}

function renderDialects(): string {
  return renderTable(
    ['class', 'OpenAI: status, `type`, `code`', 'Anthropic: status, `type`', 'plain HTTP: status, `type`'],
    DENY_CLASSES.map((denyClass) => {
      const refusal = EXAMPLES[denyClass];
      const inOpenai = bodyOf(openai.toAnswer(refusal, CONTEXT)).error;
      const inAnthropic = bodyOf(anthropic.toAnswer(refusal, CONTEXT)).error;
      const inHttp = bodyOf(http.toAnswer(refusal, CONTEXT));
      return [
        denyClass,
        `${statuses(denyClass, openai.toAnswer)} \`${inOpenai?.type}\` \`${inOpenai?.code}\``,
        `${statuses(denyClass, anthropic.toAnswer)} \`${inAnthropic?.type}\``,
        `${statuses(denyClass, http.toAnswer)} \`${inHttp.type?.replace(/^.*#/, '…#')}\``,
      ];
    }),
  );
}

type Body = { readonly type?: string; readonly error?: { readonly type: string; readonly code?: string } };

function bodyOf(answer: Answer): Body {
  return JSON.parse(answer.body);
}

function renderReasons(): string {
  return renderTable(
    ['reason', 'classes', 'meaning', 'executed'],
    REASONS.map((reason) => [
      `\`${reason}\``,
      REASON_RULES[reason].classes.join(', '),
      REASON_RULES[reason].meaning,
      executedOf(reason) === false ? 'no' : 'not known',
    ]),
  );
}

function renderExamples(): string {
  const texts = DENY_CLASSES.map((denyClass) => [denyClass, toMessage(EXAMPLES[denyClass])]);
  return [
    `The text of each class:\n\n${renderTable(['class', 'text'], texts)}`,
    `THROTTLED for an OpenAI SDK:\n\n${renderAnswer(openai.toAnswer(EXAMPLES.THROTTLED, CONTEXT))}`,
    `THROTTLED for an Anthropic SDK:\n\n${renderAnswer(anthropic.toAnswer(EXAMPLES.THROTTLED, CONTEXT))}`,
    `THROTTLED for any other client:\n\n${renderAnswer(http.toAnswer(EXAMPLES.THROTTLED, CONTEXT))}`,
  ].join('\n');
}

function renderAnswer({ status, headers, body }: Answer): string {
  const head = [`HTTP/1.1 ${status}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return ['```http', ...head, '', JSON.stringify(JSON.parse(body), null, 2), '```', ''].join('\n');
}

/** A table in Markdown. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`);
  return lines.join('');
}

/** A likely refusal of each class. */
const EXAMPLES: Readonly<Record<DenyClass, Refusal>> = {
  THROTTLED: example('THROTTLED', 'TOKEN_RATE_EXCEEDED', [OUTPUT], 3141),
  DEFERRED: example('DEFERRED', 'SPEND_RATE_EXCEEDED', [DOLLARS], 7_412_345),
  EXHAUSTED: example('EXHAUSTED', 'BUDGET_EXHAUSTED', [{ ...DOLLARS, limit: 'budget', windowSeconds: 0 }]),
  TOO_LARGE: example('TOO_LARGE', 'REQUEST_EXCEEDS_LIMIT', [
    { ...OUTPUT, requested: 60_000, maxPerCall: 10_000 },
  ]),
  FORBIDDEN: example('FORBIDDEN', 'LIMIT_IS_ZERO', [{ ...OUTPUT, quota: 0, remaining: 0 }]),
  INVALID: example('INVALID', 'MALFORMED_REQUEST'),
  UNAUTHENTICATED: example('UNAUTHENTICATED', 'IDENTITY_INVALID'),
  UPSTREAM_FAILED: example('UPSTREAM_FAILED', 'UPSTREAM_UNREACHABLE'),
  UNAVAILABLE: example('UNAVAILABLE', 'POLICIES_MISSING', [], 2500),
};

function example(
  denyClass: DenyClass,
  reason: Reason,
  violations: readonly Violation[] = [],
  waitMs = 0,
): Refusal {
  return { class: denyClass, reason, waitMs, violations, detail: '' };
}
