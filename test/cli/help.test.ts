import { describe, expect, it } from 'vitest';
import { flyball } from './flyball.ts';

describe('help', () => {
  it('without a command lists them all', async () => {
    const end = await flyball([]);
    expect(end.code).toBe(0);
    for (const name of ['run', 'check', 'explain']) expect(end.out).toMatch(new RegExp(`^  ${name}\\s`, 'm'));
  });

  it.each([
    'run',
    'check',
    'explain',
  ])('of %s shows how it is typed, what it is for, and lines to copy', async (name) => {
    const [asked, named] = await Promise.all([flyball([name, '--help']), flyball(['help', name])]);
    expect([asked.code, asked.out]).toEqual([0, named.out]);
    expect(asked.out).toMatch(new RegExp(`^Usage: flyball ${name} `));
    expect(asked.out).toContain('\nExamples:\n');
  });

  it('prints the version of the package', async () => {
    expect((await flyball(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
