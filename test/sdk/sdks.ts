// The SDKs of the matrix: exactly these versions, with their default settings.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type SdkName = 'openai-node' | 'anthropic-node' | 'openai-python' | 'anthropic-python';

/** The wire protocol that an SDK speaks. */
export type Dialect = 'openai' | 'anthropic';

export type Sdk = {
  readonly name: SdkName;
  readonly dialect: Dialect;
  /** The pinned version. */
  readonly version: string;
  /** The driver as a command line. */
  readonly command: readonly [program: string, ...parameters: string[]];
};

const ROOT = new URL('../../', import.meta.url);
const PYTHON = fileURLToPath(new URL('.venv/bin/python', ROOT));

/**
 * All of them, versions from package.json and requirements.txt.
 *
 * @throws Error when the Python SDKs are not installed: a matrix with half of its columns would prove nothing
 */
export function readSdks(): readonly Sdk[] {
  if (!existsSync(new URL('.venv/.installed', ROOT)) || !existsSync(PYTHON)) {
    throw new Error('the Python SDKs are not installed: run `make test`, which puts them into .venv');
  }
  const manifest: { readonly devDependencies: Readonly<Record<string, string>> } = JSON.parse(
    readText('package.json'),
  );
  const requirements = new Map(
    readText('test/sdk/requirements.txt')
      .split('\n')
      .map((line) => line.split('==', 2) as [name: string, version: string]), // the file holds `name==version` lines
  );
  return [
    {
      name: 'openai-node',
      dialect: 'openai',
      version: manifest.devDependencies.openai ?? '',
      command: [process.execPath, driver('openai-node.ts')],
    },
    {
      name: 'anthropic-node',
      dialect: 'anthropic',
      version: manifest.devDependencies['@anthropic-ai/sdk'] ?? '',
      command: [process.execPath, driver('anthropic-node.ts')],
    },
    {
      name: 'openai-python',
      dialect: 'openai',
      version: requirements.get('openai') ?? '',
      command: [PYTHON, '-B', driver('openai-python.py')],
    },
    {
      name: 'anthropic-python',
      dialect: 'anthropic',
      version: requirements.get('anthropic') ?? '',
      command: [PYTHON, '-B', driver('anthropic-python.py')],
    },
  ];
}

function readText(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

function driver(file: string): string {
  return fileURLToPath(new URL(`drivers/${file}`, import.meta.url));
}
