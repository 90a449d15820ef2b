import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { POLICY_KINDS } from '../../../core/policy/description.ts';
import { renderJsonSchema, type SchemaNode, schemaOf } from '../../../core/policy/json-schema.ts';
import { renderReference } from '../../../core/policy/reference.ts';
import { UNSUPPORTED } from '../../../core/policy/support.ts';

const readDoc = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

/** Every node of a schema, with its path. */
function nodesOf(path: string, node: SchemaNode): { path: string; node: SchemaNode }[] {
  const fields = Object.entries(node.properties ?? {}).flatMap(([name, field]) =>
    nodesOf(`${path}.${name}`, field),
  );
  const items = node.items === undefined ? [] : nodesOf(`${path}[]`, node.items);
  return [{ path, node }, ...fields, ...items];
}

const nodes = POLICY_KINDS.flatMap((kind) => nodesOf(kind, schemaOf(kind)));

describe('the generated pages', () => {
  it.each([
    ['policy-reference.md', renderReference],
    ['ratelimitpolicy.schema.json', renderJsonSchema],
  ])('%s is what the generator makes: run `node scripts/generate-policy-docs.ts`', (name, render) => {
    expect(readDoc(name)).toBe(render());
  });

  it('list every field, every default and everything that is not supported yet', () => {
    const reference = renderReference();
    const fields = nodes.filter(
      ({ path, node }) => !path.endsWith(']') && path.includes('.') && node.readOnly !== true,
    );
    for (const { path } of fields)
      expect(reference).toContain(`| \`${path.slice(path.indexOf('.') + 1)}\` |`);
    for (const { what, instead } of UNSUPPORTED) expect(reference).toContain(`| ${what} | ${instead} |`);
    expect(reference).toContain('| `spec.limits[].onLimit.maxWait` | `2s` |');
  });
});

describe('the description', () => {
  it('has a sentence for every field', () => {
    const fields = nodes.filter(({ path }) => !path.endsWith(']') && path.includes('.'));
    expect(fields.length).toBeGreaterThan(100);
    for (const { path, node } of fields) expect(`${path}: ${node.description}`).toMatch(/: [A-Z[].*\.$/);
  });

  it('bounds every string and every list, lists at 32 items', () => {
    const unbounded = nodes.filter(({ node }) => {
      if (node.type === 'array') return !(node.maxItems !== undefined && node.maxItems <= 32);
      const isFree = node.enum === undefined && node.const === undefined;
      return node.type === 'string' && isFree && !('maxLength' in node);
    });
    expect(unbounded.map(({ path }) => path)).toEqual([]);
  });

  it('knows no field that takes fields without a list of them', () => {
    const open = nodes.filter(
      ({ node }) => node.properties !== undefined && node.additionalProperties !== false,
    );
    expect(open.map(({ path }) => path)).toEqual([]);
  });
});
