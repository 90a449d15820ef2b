// Transcripts: the full expected text lies beside the test. `REWRITE=1` writes what the code says now; commit such a
// change only when you know what caused it and want it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

/** Compares `actual` with the file beside the calling test (`import.meta.url`), or rewrites the file. */
export function expectGolden(testUrl: string, fileName: string, actual: string): void {
  const file = new URL(fileName, testUrl);
  if (process.env.REWRITE === '1') {
    writeFileSync(file, actual);
    return;
  }
  const expected = existsSync(file) ? readFileSync(file, 'utf8') : '';
  expect(actual, `${fileName} differs; REWRITE=1 accepts the new text`).toBe(expected);
}
