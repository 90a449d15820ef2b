// An agent gone wrong, on the unchanged `openai` SDK: several loops that call as fast as they can and ignore every
// refusal, until the calls or the seconds run out. The SDK reads OPENAI_BASE_URL and OPENAI_API_KEY.

import OpenAI from 'openai';
import { createTally } from './tally.ts';

const calls = Number(process.env.AGENT_CALLS ?? 400);
const seconds = Number(process.env.AGENT_SECONDS ?? 5);
const loops = Number(process.env.AGENT_LOOPS ?? 4);
const promptWords = Number(process.env.AGENT_PROMPT_WORDS ?? 40);
const maxTokens = Number(process.env.AGENT_MAX_TOKENS ?? 32);
const model = process.env.AGENT_MODEL ?? 'gpt-5-mini';

const client = new OpenAI({ maxRetries: 0 });
const tally = createTally('runaway');
// The signal also ends a call that is being held, so that the run is bounded whatever the answer.
const deadline = AbortSignal.timeout(seconds * 1000);
const request: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model,
  max_completion_tokens: maxTokens,
  messages: [{ role: 'user', content: 'again '.repeat(promptWords) }],
};
let started = 0;
const seen = new Set<string>();

async function loop(): Promise<void> {
  while (started < calls && !deadline.aborted) {
    started += 1;
    const call = started;
    try {
      const { usage } = await client.chat.completions.create(request, { signal: deadline });
      tally.ok(usage?.prompt_tokens ?? 0, usage?.completion_tokens ?? 0);
    } catch (cause) {
      if (deadline.aborted) return;
      sayOnce(call, tally.error(cause));
    }
  }
}

/** Hundreds of refusals are one event: only the first with the same status is told. */
function sayOnce(call: number, line: string): void {
  const kind = line.slice(0, 'refused: 429'.length);
  if (!seen.has(kind)) tally.say(`call ${call} ${line}`);
  seen.add(kind);
}

tally.say(`up to ${calls} calls in ${seconds} s, ${loops} at once, with ${model}`);
await Promise.all(Array.from({ length: loops }, loop));
tally.say(`stopped after ${started} calls`);
tally.finish();
