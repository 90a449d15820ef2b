import { afterEach, describe, expect, it } from 'vitest';
import { type Governed, policyOf, startGoverned } from './governed.ts';
import { askChat, chatBody } from './http-proxy/chat.ts';

const WARNING = policyOf([
  '{name: calls, unit: Requests, rates: [{limit: 10, window: 744h}], warnAt: [50, 80]}',
]);

let governed: Governed | undefined;
afterEach(async () => {
  await governed?.close();
  governed = undefined;
});

async function ask(target: Governed, times: number): Promise<(string | null)[]> {
  const headers: (string | null)[] = [];
  for (let i = 0; i < times; i++)
    headers.push((await askChat(target, chatBody({}))).headers.get('flyball-warning'));
  return headers;
}

describe('a limit with warnAt', () => {
  it('warns in the header of every answer from its first band on', async () => {
    governed = await startGoverned({ policies: WARNING });
    expect(await ask(governed, 6)).toEqual([
      null,
      null,
      null,
      null,
      '"test/calls";used=50',
      '"test/calls";used=60',
    ]);
  });

  it('reports each band once, as an event and as a metric', async () => {
    governed = await startGoverned({ policies: WARNING });
    await ask(governed, 10);
    expect(
      governed.warnings.map(({ band, standing }) => [band, standing.rule.limit, standing.usedPercent]),
    ).toEqual([
      [50, 'calls', 50],
      [80, 'calls', 80],
    ]);
    const metrics = await governed.metrics();
    for (const band of [50, 80]) {
      expect(metrics).toContain(
        `flyball_limit_warnings_total{policy="default/test",limit="calls",band="${band}"} 1\n`,
      );
    }
  });

  it('never warns when its bands are empty', async () => {
    governed = await startGoverned({
      policies: policyOf(['{name: calls, unit: Requests, rates: [{limit: 2, window: 744h}], warnAt: []}']),
    });
    expect(await ask(governed, 2)).toEqual([null, null]);
    expect(governed.warnings).toEqual([]);
  });
});
