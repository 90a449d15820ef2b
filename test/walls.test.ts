// The walls between folders are kept by the compiler and the linter: each wall is breached once in a copy of the tree.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COPIED = [
  'tsconfig.base.json',
  'biome.json',
  'package.json',
  '.gitignore',
  'scripts/biome',
  'core',
  'runtime',
  'sidecar',
  'cli',
];

let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'flyball-walls-'));
  for (const path of COPIED) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** What a tool prints about the copy with one more file in it; '' when it is content. */
function complaints(file: string, source: string, tool: readonly string[]): string {
  writeFileSync(join(copy, file), source);
  try {
    execFileSync(process.execPath, tool, { cwd: copy, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return '';
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }; // Thrown for every exit code but 0.
    return stdout + stderr;
  } finally {
    rmSync(join(copy, file));
  }
}

const tsc = (folder: string): string[] => [join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', folder];
const biome = (file: string): string[] => [
  join(ROOT, 'node_modules/@biomejs/biome/bin/biome'),
  'lint',
  '--colors=off',
  file,
];

describe('the compiler refuses', () => {
  it.each([
    ['core', 'runtime', "export { createClock } from '../runtime/clock.ts';\n", /TS6059|TS6307/],
    ['core', 'a timer', 'export const timer = setTimeout(() => undefined, 1);\n', /TS2304|TS2552/],
    ['core', 'the process', 'export const id = process.pid;\n', /TS2304|TS2580|TS2591/],
    ['core', 'node:fs', "export { readFileSync } from 'node:fs';\n", /TS2307|TS2591/],
    ['runtime', 'core', "export { hashString } from '../core/hash-string.ts';\n", /TS6059|TS6307/],
    ['sidecar', 'cli', "export { check } from '../cli/check.ts';\n", /TS6059|TS6307/],
  ])('in %s: %s', (folder, _breach, source, code) => {
    expect(complaints(`${folder}/breach.ts`, source, tsc(folder))).toMatch(code);
  });

  it('nothing in the tree as it is', () => {
    expect(complaints('cli/breach.ts', 'export {};\n', tsc('cli'))).toBe('');
  });
});

describe('the linter refuses', () => {
  it.each([
    [
      'core',
      'a library',
      "import { z } from 'zod';\n\nexport const schema = z.string();\n",
      'noRestrictedImports',
    ],
    ['core', 'the date', 'export const now = Date.now();\n', 'core has no clock'],
    ['core', 'chance', 'export const chance = Math.random();\n', 'core has no clock'],
    ['sidecar', 'any', 'export const anything: any = 1;\n', 'noExplicitAny'],
  ])('in %s: %s', (folder, _breach, source, rule) => {
    expect(complaints(`${folder}/breach.ts`, source, biome(`${folder}/breach.ts`))).toContain(rule);
  });

  it('no library in core/policy', () => {
    const source = "import { z } from 'zod';\n\nexport const schema = z.string();\n";
    expect(complaints('core/policy/breach.ts', source, biome('core/policy/breach.ts'))).toBe('');
  });
});
