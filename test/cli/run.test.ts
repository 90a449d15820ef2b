import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createProvider, type Provider } from '../../examples/provider/provider.ts';
import { createFolder, type Folder } from '../folder.ts';
import { policyOf } from '../sidecar/governed.ts';
import { type Finished, flyball, nodeCommand, type Running, runWords, startFlyball } from './flyball.ts';

const GENEROUS = policyOf(['{name: calls, unit: Requests, rates: [{limit: 1000, window: 1h}]}']);

/** One chat call from the environment alone, as an agent would make it; prints the status. */
const ASK = `
  const response = await fetch(process.env.OPENAI_BASE_URL + '/chat/completions', {
    method: 'POST', headers: {'content-type': 'application/json', authorization: 'Bearer ' + (process.env.KEY ?? 'key')},
    body: JSON.stringify({model: 'gpt-5-mini', max_completion_tokens: 8, messages: [{role: 'user', content: 'hello'}]}) });
  console.log('status', response.status, response.headers.get('flyball-decision')?.length);
  await response.text();`;

let provider: Provider;
let folder: Folder;
beforeAll(async () => {
  provider = await createProvider();
  folder = createFolder({ 'policy.yaml': GENEROUS });
});
afterEach(() => provider.meter.reset());
afterAll(async () => {
  folder.remove();
  await provider.close();
});

function policies(): string {
  return folder.pathOf('policy.yaml');
}

/** `flyball run` of a script, on free ports, in front of the provider. */
function run(script: string, flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Running {
  return startFlyball(runWords(policies(), flags, nodeCommand(script)), {
    env: { OPENAI_BASE_URL: provider.openaiBaseUrl, ANTHROPIC_BASE_URL: provider.anthropicBaseUrl, ...env },
  });
}

describe('the command', () => {
  it('runs unchanged: its calls reach the upstream that its environment named before', async () => {
    const end = await run(ASK).finished;
    expect(end.out).toBe('status 200 26\n');
    expect(provider.meter.total({ path: '/v1/chat/completions' }).calls).toBe(1);
  });

  it.each([0, 1, 7, 255])('passes its exit code %d through', async (code) => {
    const end = await run(`process.exit(${code})`, ['--summary', 'none']).finished;
    expect([end.code, end.err]).toEqual([code, '']);
  });

  it.each([
    'SIGTERM',
    'SIGHUP',
    'SIGUSR2',
    'SIGINT',
  ] as const)('gets %s that is sent to flyball', async (signal) => {
    const running = run(
      `process.on('${signal}', () => { console.log('got it'); process.exit(3); }); setInterval(() => {}, 1000); console.log('ready');`,
    );
    await running.printed('ready');
    running.process.kill(signal);
    const end = await running.finished;
    expect([end.code, end.out]).toEqual([3, 'ready\ngot it\n']);
  });

  it('that a signal kills makes flyball report 128 + the signal, as a shell does', async () => {
    const running = run(`setInterval(() => {}, 1000); console.log('ready');`);
    await running.printed('ready');
    running.process.kill('SIGTERM');
    expect((await running.finished).code).toBe(143);
  });

  it('keeps the PATH of its user', async () => {
    const end = await run('console.log(process.env.PATH)', [], { PATH: '/usr/bin:/bin' }).finished;
    expect(end.out).toBe('/usr/bin:/bin\n');
  });

  it('sees loopback excluded from every proxy, without losing what was excluded before', async () => {
    const end = await run('console.log(process.env.NO_PROXY, process.env.no_proxy)', [], {
      NO_PROXY: 'corp.example',
    }).finished;
    expect(end.out).toBe('corp.example,127.0.0.1,localhost,::1 127.0.0.1,localhost,::1\n');
  });

  it.each([
    ['/does/not/exist', 127, 'command not found'],
    ['/etc', 126, 'cannot be started'],
  ])('that cannot be started (%s) gives the code of a shell, %d, and says so', async (file, code, text) => {
    const end = await flyball(runWords(policies(), [], [file]));
    expect([end.code, end.err.includes(text)]).toEqual([code, true]);
  });
});

describe('the summary', () => {
  it('is a table on standard error, so that the output of the command stays its own', async () => {
    const end = await run(ASK, ['--agent', 'tester']).finished;
    expect(end.out).toBe('status 200 26\n');
    const [row] = end.err.split('\n').filter((line) => line.startsWith('tester'));
    expect(row?.split(/\s{2,}/).slice(0, 6)).toEqual(['tester', 'openai', 'gpt-5-mini', '1', '0', '0']);
  });

  it('as JSON agrees with the provider', async () => {
    const end = await run(
      `${ASK}${ASK.replace('const response', 'const second').replaceAll('response.', 'second.')}`,
      ['--agent', 'tester', '--summary', 'json'],
    ).finished;
    const summary: unknown = JSON.parse(end.err);
    const { inputTokens, outputTokens } = provider.meter.total();
    expect(summary).toMatchObject({
      exitCode: 0,
      usage: [{ agent: 'tester', admitted: 2, refused: 0, inputTokens, outputTokens }],
    });
  });
});

describe('two runs at once', () => {
  it('both govern: the second takes free ports when the usual ones are taken', async () => {
    const script = `process.on('SIGTERM', async () => {${ASK} process.exit(0)}); setInterval(() => {}, 1000); console.log('ready');`;
    const start = (): Running =>
      startFlyball(['run', '--policies', policies(), '--', ...nodeCommand(script)], {
        env: { OPENAI_BASE_URL: provider.openaiBaseUrl },
      });
    const both = [start(), start()];
    await Promise.all(both.map((running) => running.printed('ready')));
    for (const running of both) running.process.kill('SIGTERM');
    const ends = await Promise.all(both.map((running) => running.finished));
    expect(ends.map(({ out }) => out)).toEqual(['ready\nstatus 200 26\n', 'ready\nstatus 200 26\n']);
    expect(provider.meter.total().calls).toBe(2);
  });

  it('asked for the same port, the second says so and does not start its command', async () => {
    const first = run(
      `console.log('ready ' + new URL(process.env.FLYBALL_URL).port); setInterval(() => {}, 1000);`,
    );
    const port = /ready (\d+)\n/.exec(await first.printed('\n'))?.[1] ?? '';
    const command = nodeCommand('console.log(1)');
    const end = await flyball(['run', '--policies', policies(), '--port', port, '--', ...command]);
    first.process.kill('SIGTERM');
    await first.finished;
    expect([end.code, end.out]).toEqual([125, '']);
    expect(end.err).toContain('a port is taken');
  });
});

describe('the agents of a run', () => {
  const ASK_AS = (name: string): string =>
    ASK.replace('process.env.OPENAI_BASE_URL', `process.env.OPENAI_BASE_URL.replace(/@[^/]*/, '@${name}')`);

  it('are the one that --agent names and those that --agents adds', async () => {
    const end = await run(ASK_AS('helper'), ['--agent', 'main', '--agents', 'helper,other']).finished;
    expect(end.out).toBe('status 200 26\n');
  });

  it('cannot be made up by the command: each name has buckets of its own', async () => {
    const end = await run(ASK_AS('made-up'), ['--agent', 'main']).finished;
    expect(end.out).toBe('status 401 26\n');
    expect(provider.meter.total().calls).toBe(0);
  });
});

describe('a policy that selects nothing here', () => {
  it.each([
    ['limits', ''],
    ['tools only', 'tools'],
  ])('is named at the start, with the labels it wants (%s)', async (_name, kind) => {
    const spec =
      kind === 'tools'
        ? '  restrictedTools: [delete]\n'
        : '  limits: [{name: r, unit: Requests, rates: [{limit: 1, window: 1h}]}]\n';
    folder.write(
      'selective.yaml',
      `apiVersion: flyball.dev/v1alpha1\nkind: RateLimitPolicy\nmetadata: {name: selective}\nspec:\n  selector: {matchLabels: {app: review}}\n${spec}`,
    );
    const runTrue = (flags: readonly string[]): Promise<Finished> =>
      flyball(runWords(folder.pathOf('selective.yaml'), ['--summary', 'none', ...flags], ['true']));
    const [without, with_] = await Promise.all([runTrue([]), runTrue(['--label', 'app=review'])]);
    expect(without.err).toBe(
      'flyball: the policy default/selective selects nothing here: run with --label app=review\n',
    );
    expect(with_.err).toBe('');
  });
});

describe('a mistake on the command line', () => {
  it.each([
    [['run'], 2, 'which command?'],
    [['run', '--', 'true'], 2, 'which policies?'],
    [['run', '--polices', 'x', '--', 'true'], 2, 'did you mean --policies?'],
    [['run', 'agent.py', '--policies', 'x'], 2, 'stands behind --'],
    [['run', '--policies', 'x', '--port', 'eighty', '--', 'true'], 2, '--port'],
    [['run', '--policies', '/does/not/exist', '--', 'true'], 125, 'cannot be read'],
    [['rnu'], 2, 'did you mean run?'],
    [['explain'], 2, 'which ID?'],
    [['check'], 2, 'which PATH?'],
  ])('%j gives code %d and says how it is done', async (words, code, text) => {
    const end = await flyball(words);
    expect([end.code, end.out]).toEqual([code, '']);
    expect(end.err).toContain(text);
  });

  it('two base URLs that differ are refused: prompts must not go to a host that was not meant', async () => {
    const end = await flyball(['run', '--policies', policies(), '--', 'true'], {
      env: { OPENAI_BASE_URL: 'http://a.example/v1', OPENAI_API_BASE: 'http://b.example/v1' },
    });
    expect([end.code, end.err.includes('name different addresses')]).toEqual([125, true]);
  });
});
