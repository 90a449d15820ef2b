// The sentence that people and models read. Frameworks act on error text: LangChain.js waits on "Please try again in
// 3.2s" and stops for good on "billing" or "quota exhausted"; LangGraph appends "Please fix your mistakes.". So each
// text says in plain words what happened, that nothing ran, and what to do next. No text of the caller's is in it.

import type { DenyClass, Reason, Refusal, Violation } from '../refusal.ts';
import type { Unit } from '../unit.ts';
import { toTenths, toWhole, toWords } from './amount.ts';
import { executedOf, REASON_RULES } from './deny-class.ts';
import { announcedWait } from './retry-after.ts';
import { UNIT_LABELS } from './unit-label.ts';
import { countedViolations, limitName, maxPerCallOf } from './violation.ts';

const NOT_EXECUTED = 'The call was not executed.';
const MAY_BE_EXECUTED = 'The upstream may have executed the call.';

/** Words at which a framework gives up for good. A name that has one is not said while waiting helps. */
const STOP_WORDS = /billing|quota|credit|reset at/i;

/**
 * The text of a refusal: one line of printable ASCII when the names and the detail are.
 *
 * THROTTLED and UNAVAILABLE end in `Please try again in <seconds>s.`, rounded up to a tenth, so obeying the text is
 * enough; no other class says "try again".
 */
export function toMessage(refusal: Refusal): string {
  const binding = countedViolations(refusal)[0];
  return [
    binding === undefined ? toPlainCause(refusal) : toLimitCause(refusal.class, binding),
    executedOf(refusal.reason) === false ? NOT_EXECUTED : MAY_BE_EXECUTED,
    adviceOf(refusal),
  ].join(' ');
}

/** What happened, where numbers do not say it. */
function toPlainCause(refusal: Refusal): string {
  // The detail is written elsewhere; the text that agents wait on holds only words checked here.
  if (refusal.class === 'THROTTLED') return 'Rate limit reached.';
  return toSentence(refusal.detail === '' ? REASON_RULES[refusal.reason].meaning : refusal.detail);
}

function toLimitCause(denyClass: DenyClass, violation: Violation): string {
  const { unit } = violation;
  const name = limitName(violation.policy.name, violation.limit);
  const asked = `requested ${toWords(unit, Math.ceil(violation.requested))}`;
  const subject = `${name} (${toRateWords(violation)})`;
  const numbers = `limit ${toWords(unit, violation.quota)}, left ${toWords(unit, violation.remaining)}, ${asked}`;
  switch (denyClass) {
    case 'THROTTLED':
      return STOP_WORDS.test(name)
        ? `Rate limit reached for this call (${toRateWords(violation)}): ${numbers}.`
        : `Rate limit reached for ${subject}: ${numbers}.`;
    case 'EXHAUSTED':
      return `Budget used up for ${subject}: ${numbers}.`;
    case 'TOO_LARGE':
      return `The call is too large for ${subject}: at most ${toWords(unit, maxPerCallOf(violation))} fit in one call, ${asked}.`;
    case 'FORBIDDEN':
      return `The call is not allowed by ${subject}: its limit is ${toWords(unit, violation.quota)}.`;
    default:
      return `Limit reached for ${subject}: ${numbers}.`;
  }
}

/** `output tokens per 60 s`, or only the unit where there is no window. */
function toRateWords({ unit, windowSeconds }: Violation): string {
  const seconds = toWhole(windowSeconds);
  const { words } = UNIT_LABELS[unit];
  return seconds === 0 ? words : `${words} per ${seconds} s`;
}

function adviceOf(refusal: Refusal): string {
  switch (refusal.class) {
    case 'THROTTLED':
    case 'UNAVAILABLE':
      return `Please try again in ${toTenths(announcedWait(refusal)?.ms ?? 1)}s.`;
    case 'DEFERRED':
      return `It fits again in ${toLongWait(announcedWait(refusal)?.seconds ?? 1)}: do not repeat it before that; do other work, or stop and report when it can go on.`;
    case 'EXHAUSTED':
      return `Waiting does not bring it back: stop, report it, and ask ${ownerOf(refusal)} to raise the limit.`;
    case 'TOO_LARGE':
      return toReduceAdvice(countedViolations(refusal)[0]);
    case 'FORBIDDEN':
      return `Do not repeat it: do without it, or ask ${ownerOf(refusal)} to allow it.`;
    case 'INVALID':
      return 'Correct the request before sending it again.';
    case 'UNAUTHENTICATED':
      return 'Repeating it unchanged does not help: correct the identity, or ask a person to.';
    case 'UPSTREAM_FAILED':
      return upstreamAdvice(refusal.reason);
  }
}

function upstreamAdvice(reason: Reason): string {
  return executedOf(reason) === false
    ? 'It may be repeated unchanged.'
    : 'Repeat it only if running it twice does no harm.';
}

function toReduceAdvice(binding: Violation | undefined): string {
  if (binding === undefined) return 'Waiting does not help: send less.';
  const { unit } = binding;
  const most = maxPerCallOf(binding);
  const hint = REDUCE_HINTS[unit]?.(String(most)) ?? '';
  return `Waiting does not help: shrink it to at most ${toWords(unit, most)} ${UNIT_LABELS[unit].words}${hint}.`;
}

/** How a call is made smaller, by unit; units that are not listed have no dial of their own. */
const REDUCE_HINTS: Readonly<Partial<Record<Unit, (most: string) => string>>> = {
  InputTokens: () => ' by shortening the input',
  OutputTokens: (most) => `, for example with max_tokens ${most} or less`,
  TotalTokens: () => ' by shortening the input or lowering max_tokens',
  USD: () => ' by shortening the input, lowering max_tokens or taking a cheaper model',
};

function ownerOf({ violations: [violation], policy = violation?.policy }: Refusal): string {
  return policy === undefined ? 'the owner of the policy' : `the owner of policy ${policy.name}`;
}

/** `75 s`; from two minutes on with a rounded-up larger unit: `7200 s (2 h)`. */
function toLongWait(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  const [size, name] = seconds < 7200 ? [60, 'min'] : seconds < 172_800 ? [3600, 'h'] : [86_400, 'days'];
  return `${seconds} s (${Math.ceil((seconds / size) * 10) / 10} ${name})`;
}

function toSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
