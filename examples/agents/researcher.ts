// An agent on the unchanged `openai` SDK: a bounded conversation, every second turn streamed, the history sent each time.
// The SDK reads OPENAI_BASE_URL and OPENAI_API_KEY.

import OpenAI from 'openai';
import { createTally } from './tally.ts';

const steps = Number(process.env.AGENT_STEPS ?? 10);
const promptWords = Number(process.env.AGENT_PROMPT_WORDS ?? 40);
const maxTokens = Number(process.env.AGENT_MAX_TOKENS ?? 64);
const model = process.env.AGENT_MODEL ?? 'gpt-5-mini';

type Turn = { readonly text: string; readonly usage: OpenAI.CompletionUsage | undefined };

const client = new OpenAI();
const tally = createTally('researcher');
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'system', content: 'You are a careful researcher. Answer in one paragraph.' },
];

async function askPlain(): Promise<Turn> {
  const answer = await client.chat.completions.create({ model, messages, max_completion_tokens: maxTokens });
  return { text: answer.choices[0]?.message.content ?? '', usage: answer.usage };
}

async function askStreamed(): Promise<Turn> {
  const stream = await client.chat.completions.create({
    model,
    messages,
    max_completion_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let usage: OpenAI.CompletionUsage | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  return { text, usage };
}

tally.say(`${steps} steps with ${model}`);
for (let step = 1; step <= steps; step += 1) {
  messages.push({ role: 'user', content: `Step ${step}: ${'why '.repeat(promptWords)}` });
  try {
    const { text, usage } = step % 2 === 0 ? await askStreamed() : await askPlain();
    messages.push({ role: 'assistant', content: text });
    tally.ok(usage?.prompt_tokens ?? 0, usage?.completion_tokens ?? 0);
  } catch (cause) {
    tally.say(`step ${step} ${tally.error(cause)}`);
  }
}
tally.finish();
