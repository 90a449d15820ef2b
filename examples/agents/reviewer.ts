// An agent on the unchanged `@anthropic-ai/sdk`: reviews a bounded number of files, every second review streamed.
// The SDK reads ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY.

import Anthropic from '@anthropic-ai/sdk';
import { createTally } from './tally.ts';

const steps = Number(process.env.AGENT_STEPS ?? 8);
const promptWords = Number(process.env.AGENT_PROMPT_WORDS ?? 80);
const maxTokens = Number(process.env.AGENT_MAX_TOKENS ?? 64);
const model = process.env.AGENT_MODEL ?? 'claude-haiku-4-5';

const client = new Anthropic();
const tally = createTally('reviewer');

async function review(file: number): Promise<Anthropic.Usage> {
  const request: Anthropic.MessageCreateParamsNonStreaming = {
    model,
    max_tokens: maxTokens,
    system: 'You are a strict reviewer. Name the worst problem first.',
    messages: [{ role: 'user', content: `File ${file}:\n${'let x = 1;\n'.repeat(promptWords)}` }],
  };
  const message =
    file % 2 === 0
      ? await client.messages.stream(request).finalMessage()
      : await client.messages.create(request);
  return message.usage;
}

tally.say(`${steps} reviews with ${model}`);
for (let file = 1; file <= steps; file += 1) {
  try {
    const usage = await review(file);
    const cachedTokens = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
    tally.ok(usage.input_tokens + cachedTokens, usage.output_tokens);
  } catch (cause) {
    tally.say(`review ${file} ${tally.error(cause)}`);
  }
}
tally.finish();
