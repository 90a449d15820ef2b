import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFolder, type Folder } from '../folder.ts';
import { policyOf } from '../sidecar/governed.ts';
import { flyball } from './flyball.ts';

const GOOD = policyOf(['{name: calls, unit: Requests, rates: [{limit: 10, window: 1m}]}']);
const BROKEN = `apiVersion: flyball.dev/v1alpha1
kind: RateLimitPolicy
metadata: {name: broken}
spec:
  limits:
  - name: tokens
    unit: outputTokens
    rates:
    - {limit: 10k, window: 1x}
  - name: later
    unit: ToolCalls
    rates: [{limit: 5, window: 1h}]
`;

let folder: Folder;
beforeAll(() => {
  folder = createFolder({
    'good.yaml': GOOD,
    'broken.yaml': BROKEN,
    'syntax.yaml': 'kind: [unclosed\n',
  });
});
afterAll(() => folder.remove());

describe('flyball check', () => {
  it('says that valid policies are valid, with code 0', async () => {
    const end = await flyball(['check', folder.pathOf('good.yaml')]);
    expect([end.code, end.out, end.err]).toEqual([
      0,
      `${folder.path}/good.yaml: 1 policy with 1 limit, valid\n`,
      '',
    ]);
  });

  it('says every problem at once, each with file, line, path, value and fix, with code 1', async () => {
    const end = await flyball(['check', folder.pathOf('broken.yaml')]);
    expect(end.code).toBe(1);
    const lines = end.out.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/broken\.yaml:7: spec\.limits\[0\]\.unit = "outputTokens": .*OutputTokens/);
    expect(lines[1]).toMatch(/broken\.yaml:9: spec\.limits\[0\]\.rates\[0\]\.window = "1x": /);
    expect(lines[2]).toMatch(/broken\.yaml:11: spec\.limits\[1\]\.unit = "ToolCalls": not supported yet/);
    expect(lines[3]).toBe('3 problems');
  });

  it('says where YAML is broken', async () => {
    const end = await flyball(['check', folder.pathOf('syntax.yaml')]);
    expect([end.code, /syntax\.yaml:\d+: is not valid YAML/.test(end.out)]).toEqual([1, true]);
  });

  it('finds two policies of one name in a directory', async () => {
    const twice = createFolder({
      'a.yaml': GOOD,
      'b.yaml': GOOD,
    });
    const end = await flyball(['check', twice.path]);
    twice.remove();
    expect([end.code, /b\.yaml:\d+: metadata/.test(end.out)]).toEqual([1, true]);
  });

  it('says that an empty directory holds nothing', async () => {
    const empty = createFolder();
    const end = await flyball(['check', empty.path]);
    empty.remove();
    expect([end.code, end.out.includes('holds no .yaml, .yml or .json file')]).toEqual([1, true]);
  });
});
