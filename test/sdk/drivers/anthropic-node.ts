// Drives the npm package @anthropic-ai/sdk. The contract is in contract.ts.

import Anthropic from '@anthropic-ai/sdk';
import { VERSION } from '@anthropic-ai/sdk/version';
import { type SdkCall, type SdkText, serveCalls } from './contract.ts';
import { createRepeatingDispatcher } from './repeating-dispatcher.ts';

async function call(request: SdkCall): Promise<SdkText> {
  const { baseUrl, apiKey, repeatedHeader } = request;
  const client = new Anthropic({
    baseURL: baseUrl,
    apiKey,
    ...(repeatedHeader === ''
      ? {}
      : { fetchOptions: { dispatcher: createRepeatingDispatcher(repeatedHeader) } }),
  });
  const body = {
    model: request.model,
    max_tokens: request.maxTokens,
    messages: [{ role: 'user' as const, content: request.prompt }],
    ...request.extraBody,
  };
  if (request.mode === 'plain') {
    const { content } = await client.messages.create(body);
    return { text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''), pieces: 1 };
  }
  const pieces: string[] = [];
  for await (const event of await client.messages.create({ ...body, stream: true })) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
      pieces.push(event.delta.text);
  }
  return { text: pieces.join(''), pieces: pieces.length };
}

serveCalls(VERSION, call);
