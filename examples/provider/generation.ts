// What one call generates and what it costs: decided once, then told in the words of either provider.

import type { Behaviour } from './behaviour.ts';
import type { Prompt } from './prompt.ts';
import type { Charge, Tokens } from './reply.ts';

export type Generation = {
  /** Number within the life of the provider, from 1. Ids are made of it. */
  readonly number: number;
  readonly model: string;
  readonly choices: number;
  readonly tokensPerChoice: number;
  /** True when the caller's cap ended the text. */
  readonly capped: boolean;
  readonly charge: Charge;
  /** What the answer says was used; undefined when it says nothing. It may lie, the charge does not. */
  readonly reported: Tokens | undefined;
};

const NO_TOKENS: Tokens = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

/**
 * Output per choice is `behaviour.outputTokens`, or the caller's cap where that is less. Of the input, up to
 * `cacheReadTokens` come from the cache, and of the rest up to `cacheWriteTokens` go into it.
 */
export function planGeneration(prompt: Prompt, behaviour: Behaviour, number: number): Generation {
  const cap = prompt.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const tokensPerChoice = Math.min(behaviour.outputTokens, cap);
  const cacheRead = Math.min(behaviour.cacheReadTokens, prompt.inputTokens);
  const cacheWrite = Math.min(behaviour.cacheWriteTokens, prompt.inputTokens - cacheRead);
  const tokens: Tokens = {
    input: prompt.inputTokens - cacheRead - cacheWrite,
    cacheRead,
    cacheWrite,
    output: 0,
  };
  const actual: Tokens = { ...tokens, output: tokensPerChoice * prompt.choices };
  const reports = { actual, none: undefined, zero: NO_TOKENS } as const;
  return {
    number,
    model: prompt.model,
    choices: prompt.choices,
    tokensPerChoice,
    capped: cap < behaviour.outputTokens,
    charge: { model: prompt.model, tokens },
    reported: reports[behaviour.usage],
  };
}
