// Drives the npm package openai. The contract is in contract.ts.

import OpenAI from 'openai';
import { VERSION } from 'openai/version';
import { type SdkCall, type SdkText, serveCalls } from './contract.ts';
import { createRepeatingDispatcher } from './repeating-dispatcher.ts';

async function call(request: SdkCall): Promise<SdkText> {
  const { baseUrl, apiKey, repeatedHeader } = request;
  const client = new OpenAI({
    baseURL: baseUrl,
    apiKey,
    ...(repeatedHeader === ''
      ? {}
      : { fetchOptions: { dispatcher: createRepeatingDispatcher(repeatedHeader) } }),
  });
  const body = {
    model: request.model,
    max_completion_tokens: request.maxTokens,
    messages: [{ role: 'user' as const, content: request.prompt }],
    ...request.extraBody,
  };
  if (request.mode === 'plain') {
    const answer = await client.chat.completions.create(body);
    return { text: answer.choices[0]?.message.content ?? '', pieces: 1 };
  }
  const pieces: string[] = [];
  for await (const { choices } of await client.chat.completions.create({ ...body, stream: true })) {
    pieces.push(choices[0]?.delta.content ?? '');
  }
  return { text: pieces.join(''), pieces: pieces.length };
}

serveCalls(VERSION, call);
