import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Governed, policyOf, startGoverned } from './governed.ts';

let governed: Governed;
beforeEach(async () => {
  governed = await startGoverned({
    policies: policyOf(['{name: calls, unit: Requests, rates: [{limit: 10, window: 1h}]}']),
    settings: { maxBody: 1_024 },
  });
});
afterEach(() => governed.close());

const CHAT = '/openai/v1/chat/completions';

it.each([
  ['MALFORMED_REQUEST', CHAT, { method: 'POST', body: '{' }],
  ['MALFORMED_REQUEST', '/openai/v1/a%2fx', {}],
  ['UNKNOWN_ROUTE', '/nowhere', {}],
  ['UNKNOWN_ROUTE', '/upstream/nobody/x', {}],
  ['BODY_TOO_LARGE', CHAT, { method: 'POST', body: JSON.stringify({ model: 'x'.repeat(2_000) }) }],
])('a refusal for %s (%s) is a decision with a line, counted by its reason', async (reason, path, init) => {
  const response = await fetch(governed.url + path, init);
  expect(response.headers.get('flyball-reason')).toBe(reason);
  const id = response.headers.get('flyball-decision') ?? '';
  const line: unknown = await (await fetch(`${governed.url}/v1/decisions/${id}`)).json();
  expect(line).toMatchObject({ decision: { id, outcome: 'deny', reason } });
  expect(await governed.metrics()).toContain(`flyball_bad_input_total{reason="${reason}"} 1\n`);
  expect(governed.provider.meter.total().calls).toBe(0);
});
