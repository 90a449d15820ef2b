import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { renderJsonSchema } from '../../../core/policy/json-schema.ts';
import { parsePolicies, parsePolicy } from '../../../core/policy/parse.ts';
import { fitsSchema } from './schema-check.ts';

const folder = new URL('../../../examples/policies/', import.meta.url);
const schema = JSON.parse(renderJsonSchema());
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

function readDocuments(file: string): unknown[] {
  return parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map((document) => document.toJS());
}

describe('examples/policies', () => {
  it.each(files)('%s is valid, supported and without warnings, for parser and schema', (file) => {
    for (const document of readDocuments(file)) {
      expect(parsePolicy(document)).toMatchObject({ kind: 'valid', warnings: [] });
      expect(fitsSchema(schema, document)).toBe(true);
    }
  });

  it('can all be in force together', () => {
    const parsed = parsePolicies(files.flatMap(readDocuments));
    expect(parsed.length).toBeGreaterThanOrEqual(6);
    expect(parsed.filter(({ kind }) => kind !== 'valid')).toEqual([]);
  });

  it.each(files)('%s says in its first lines what it is for', (file) => {
    const lines = readFileSync(new URL(file, folder), 'utf8').split('\n');
    expect(lines.slice(0, 2).every((line) => line.startsWith('# '))).toBe(true);
  });
});
