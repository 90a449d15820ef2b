// What a call is charged in the end, from how it ended: quota.md section 1, "settle".

import { type CostVector, createCostVector, UNIT_INDEX } from './unit.ts';

/** How a call ended, as far as charging is concerned. */
export type Ending =
  /** It never reached the upstream. */
  | { readonly kind: 'unsent' }
  /** The upstream answered with an error, or broke before its first byte, and reported no usage. */
  | { readonly kind: 'failed' }
  /** Tokens are known (reported) or estimated; `spendMicros` is undefined where the model has no price. */
  | {
      readonly kind: 'used';
      readonly tokens: { readonly input: number; readonly output: number; readonly total: number };
      readonly spendMicros: number | undefined;
    }
  /** A call that costs no tokens and no dollars. */
  | { readonly kind: 'counted' };

/**
 * The amounts used, by unit. `unsent` used nothing, not even the request; an upstream's refusal keeps the request and
 * gives the tokens back.
 */
export function actualOf(ending: Ending): CostVector {
  const actual = createCostVector();
  if (ending.kind === 'unsent') return actual;
  actual[UNIT_INDEX.Requests] = 1;
  if (ending.kind !== 'used') return actual;
  actual[UNIT_INDEX.InputTokens] = ending.tokens.input;
  actual[UNIT_INDEX.OutputTokens] = ending.tokens.output;
  actual[UNIT_INDEX.TotalTokens] = ending.tokens.total;
  actual[UNIT_INDEX.USD] = ending.spendMicros ?? 0;
  return actual;
}
