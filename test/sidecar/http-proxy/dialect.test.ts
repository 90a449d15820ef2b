import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Governed, policyOf, startGoverned } from '../governed.ts';

let governed: Governed;
beforeAll(async () => {
  governed = await startGoverned({
    policies: policyOf(['{name: calls, per: [], unit: Requests, rates: [{limit: 1000, window: 1m}]}']),
    upstreams: { mail: '/tools' },
  });
});
afterAll(() => governed.close());

describe('a call that names no upstream', () => {
  it.each([
    ['openai', '/openai/chat/completions'],
    ['openai', '/openai'],
    ['openai', '/@crew/openai/chat/completions?a=b'],
    ['openai', '/v1/chat/completions'],
    ['openai', '/openai/v1//chat/completions'],
    ['anthropic', '/v1/messages'],
    ['anthropic', '/anthropic'],
    ['anthropic', '/anthropic//v1/messages'],
    ['http', '/v1/chat/completions/x'],
    ['http', '/upstream/mail//send'],
    ['http', '/upstream/nobody/send'],
    ['http', '/openais/v1/chat/completions'],
  ] as const)('is refused in the words of %s at %s', async (dialect, path) => {
    const response = await fetch(governed.url + path, { method: 'POST', body: '{}' });
    expect(response.status).toBe(400);
    const body: unknown = await response.json();
    const form = {
      openai: { error: { type: 'invalid_request_error', code: 'invalid_request' } },
      anthropic: { type: 'error', error: { type: 'invalid_request_error' } },
      http: { type: 'about:blank', status: 400 },
    }[dialect];
    expect(body).toMatchObject(form);
  });
});
