// A fresh provider for each test, with both SDKs pointed at it, and the one prompt that most tests send.

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterEach, beforeEach } from 'vitest';
import { createProvider, type Provider } from '../../../examples/provider/provider.ts';

export const OPENAI_MODEL = 'gpt-5-mini';
export const ANTHROPIC_MODEL = 'claude-haiku-4-5';
export const MESSAGES = [{ role: 'user' as const, content: 'hello there' }];
/** 3 for the request, 4 for the message, ceil(11 / 4) for its text. */
export const INPUT_TOKENS = 10;
export const OUTPUT_TOKENS = 24;

export type Fixture = {
  /** Replaced before each test, closed after it. */
  provider: Provider;
  /** Without retries. */
  openai: OpenAI;
  anthropic: Anthropic;
};

/** Call it once at the top of a test file. */
export function useProvider(): Fixture {
  // Filled by beforeEach, which runs before any test can look.
  const fixture = {} as Fixture;
  beforeEach(async () => {
    const provider = await createProvider();
    const shared = { apiKey: 'made-up-key', maxRetries: 0, logLevel: 'off' as const };
    fixture.provider = provider;
    fixture.openai = new OpenAI({ baseURL: provider.openaiBaseUrl, ...shared });
    fixture.anthropic = new Anthropic({ baseURL: provider.anthropicBaseUrl, authToken: null, ...shared });
  });
  afterEach(() => fixture.provider.close());
  return fixture;
}

/** All that was billed, cached input included, once no call is open. */
export async function readBill({ meter }: Provider): Promise<readonly [input: number, output: number]> {
  await meter.idle();
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = meter.total();
  return [inputTokens + cacheReadTokens + cacheWriteTokens, outputTokens];
}

export async function collect<T>(stream: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
