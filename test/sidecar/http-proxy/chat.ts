// Chat calls over plain fetch, for tests that look at bytes and counts rather than at an SDK.

import type { Governed } from '../governed.ts';

/** How one call ended. */
export type ChatOutcome = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** A stream ended with [DONE], a plain answer with its JSON. */
  readonly complete: boolean;
};

/** A chat request with a known cost; the given fields replace or add to it. */
export function chatBody(fields: Record<string, unknown>): Record<string, unknown> {
  return {
    model: 'gpt-5-mini',
    max_completion_tokens: 40,
    messages: [
      { role: 'user', content: 'Tell me about governors of steam engines, in a few plain words. '.repeat(8) },
    ],
    ...fields,
  };
}

/** Sends one and reads the whole answer. */
export async function askChat(
  target: Pick<Governed, 'openaiBaseUrl'>,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<ChatOutcome> {
  const response = await fetch(`${target.openaiBaseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer key', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const complete = body.stream === true && response.status === 200 ? text.includes('[DONE]') : isJson(text);
  return { status: response.status, headers: response.headers, text, complete };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
