// The requests that are repeated.

const SENTENCE =
  'Compare the quarterly figures of the two plants and list what changed most, with a reason for each. ';

/** A chat completion request of about `bytes`, streamed or not. */
export function chatRequest(bytes: number, stream: boolean): string {
  const base = {
    model: 'gpt-4o-mini',
    ...(stream ? { stream: true } : {}),
    max_tokens: 200,
    messages: [
      { role: 'system', content: 'You are a careful analyst.' },
      { role: 'user', content: '' },
    ],
  };
  const textBytes = Math.max(0, bytes - JSON.stringify(base).length);
  const text = SENTENCE.repeat(Math.ceil(textBytes / SENTENCE.length)).slice(0, textBytes);
  const [system, user] = base.messages;
  return JSON.stringify({ ...base, messages: [system, { ...user, content: text }] });
}
