// A temporary folder for the files of one test.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Folder = {
  readonly path: string;
  /** The path of a file in it, whether it exists or not. */
  pathOf(name: string): string;
  write(name: string, text: string): void;
  remove(): void;
};

/** A new folder with these files, by their names. */
export function createFolder(files: Readonly<Record<string, string>> = {}): Folder {
  const path = mkdtempSync(join(tmpdir(), 'flyball-test-'));
  const pathOf = (name: string): string => join(path, name);
  const write = (name: string, text: string): void => writeFileSync(pathOf(name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { path, pathOf, write, remove: () => rmSync(path, { recursive: true, force: true }) };
}
