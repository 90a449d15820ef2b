import { afterEach, describe, expect, it } from 'vitest';
import { readPolicyFiles } from '../../sidecar/policy-directory.ts';
import type { PolicyLoad } from '../../sidecar/policy-source.ts';
import { createFolder, type Folder } from '../folder.ts';
import { policyOf } from './governed.ts';

const LIMIT = '{name: calls, unit: Requests, rates: [{limit: 10, window: 1m}]}';

let folder: Folder;
afterEach(() => folder.remove());

async function problemsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  folder = createFolder(files);
  const load: PolicyLoad = await readPolicyFiles(folder.path);
  if (load.kind === 'loaded') return [];
  return load.problems.map(({ where, message }) => `${where.slice(folder.path.length + 1)} ${message}`);
}

describe('a problem of policy files', () => {
  it.each([
    [
      '  restrictedTools: [*_delete]\n',
      'is not valid YAML: *_delete names nothing; a text that begins with "*" must be quoted: "*_delete"',
    ],
    ['  restrictedTools: [*]\n', 'a text that begins with "*" must be quoted: "*"'],
  ])('says of %j on which line to quote what', async (rest, message) => {
    const [problem, ...others] = await problemsOf({ 'tools.yaml': policyOf([LIMIT], rest) });
    expect(others).toEqual([]);
    expect(problem?.startsWith('tools.yaml:7 ')).toBe(true);
    expect(problem).toContain(message);
  });

  it('names the file and line of the other policy of the same name', async () => {
    const policy = policyOf([LIMIT]);
    expect(await problemsOf({ 'a.yaml': `# The first.\n${policy}`, 'b.yaml': policy })).toEqual([
      expect.stringMatching(/^b\.yaml:3 is the name of the policy at .*a\.yaml:4 too: give each policy/),
    ]);
  });

  it('says that aliases stand for too much', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const lines = names.map(
      (name, i) =>
        `${name}: &${name} [${Array(9)
          .fill(i === 0 ? 'x' : `*${names[i - 1]}`)
          .join(',')}]\n`,
    );
    expect(await problemsOf({ 'bomb.yaml': lines.join('') })).toEqual([
      expect.stringContaining('aliases stand for more than'),
    ]);
  });

  it('is none where an alias has its anchor', async () => {
    expect(await problemsOf({ 'a.yaml': policyOf([LIMIT], '  restrictedTools: [&t "x", *t]\n') })).toEqual(
      [],
    );
  });
});
