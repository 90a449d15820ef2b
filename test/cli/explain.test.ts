import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFolder, type Folder } from '../folder.ts';
import { type Governed, policyOf, startGoverned } from '../sidecar/governed.ts';
import { askChat, chatBody } from '../sidecar/http-proxy/chat.ts';
import { flyball } from './flyball.ts';

let governed: Governed;
let folder: Folder;
let ids: { readonly admitted: string; readonly refused: string };
beforeAll(async () => {
  folder = createFolder();
  governed = await startGoverned({
    policies: policyOf([
      '{name: calls, per: [agent], unit: Requests, rates: [{limit: 1, window: 1h}], onLimit: {action: Deny}}',
    ]),
    settings: { decisionLog: folder.pathOf('decisions.jsonl') },
  });
  const admitted = await askChat(governed, chatBody({}));
  const refused = await askChat(governed, chatBody({}));
  ids = {
    admitted: admitted.headers.get('flyball-decision') ?? '',
    refused: refused.headers.get('flyball-decision') ?? '',
  };
});
afterAll(async () => {
  await governed.close();
  folder.remove();
});

describe('flyball explain', () => {
  it('resolves an admitted call to limit, revision, numbers and what it used', async () => {
    const end = await flyball(['explain', ids.admitted, '--url', governed.url]);
    const { inputTokens, outputTokens } = governed.provider.meter.total();
    expect(end.code).toBe(0);
    expect(end.out).toContain('LLM call to openai gpt-5-mini: admitted at once\n');
    expect(end.out).toContain(
      'limit default/test calls: 1 Requests per 3600 s (per agent), left 0 Requests, asked 1 Requests\n',
    );
    expect(end.out).toContain(`ended ok with status 200`);
    expect(end.out).toContain(`${inputTokens} input and ${outputTokens} output tokens`);
  });

  it('resolves a refused call, and says that it was not executed', async () => {
    const end = await flyball(['explain', ids.refused, '--url', governed.url]);
    expect(end.out).toContain('refused (DEFERRED, REQUEST_RATE_EXCEEDED)\n');
    expect(end.out).toMatch(/told to wait \d+ ms\n/);
    expect(end.out).toContain('not executed, charged nowhere\n');
  });

  it('reads the decision log when the sidecar is gone', async () => {
    await governed.close();
    const end = await flyball(['explain', ids.refused, '--from', folder.pathOf('decisions.jsonl')]);
    expect([end.code, end.out.includes('refused (DEFERRED')]).toEqual([0, true]);
    const gone = await flyball(['explain', ids.refused, '--url', governed.url]);
    expect([gone.code, gone.err.includes('no sidecar answers')]).toEqual([125, true]);
  });

  it('says so when a decision is unknown', async () => {
    const end = await flyball([
      'explain',
      ids.refused.replace(/.$/, '0').replace(/^../, '00'),
      '--from',
      folder.pathOf('decisions.jsonl'),
    ]);
    expect([end.code, end.err.includes('no decision')]).toEqual([1, true]);
  });
});
