// The description as JSON Schema: for editors, for the field reference, and to know which field lives where.

import * as z from 'zod/mini';
import { DESCRIPTIONS, POLICY_KINDS, type PolicyKind } from './description.ts';

/** The part of JSON Schema (draft 7) that the description uses. */
export type SchemaNode = {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  /** Written by the cluster, not by people. */
  readonly readOnly?: boolean;
  readonly default?: unknown;
  /** A default that depends on other fields, in words. */
  readonly 'x-default'?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly additionalProperties?: SchemaNode | false;
};

/** The schema of the written form of one kind: defaulted fields may be absent. */
export function schemaOf(kind: PolicyKind): SchemaNode {
  const { $schema: _, ...schema } = z.toJSONSchema(DESCRIPTIONS[kind], { io: 'input', target: 'draft-7' });
  // The description uses no feature whose JSON Schema has another form than SchemaNode; tests walk all of it.
  return schema as SchemaNode;
}

/** The file `docs/ratelimitpolicy.schema.json`: both kinds, for editors that complete and check YAML. */
export function renderJsonSchema(): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Flyball policies',
    description:
      'RateLimitPolicy and ClusterRateLimitPolicy. `flyball check` applies more rules than a schema can say.',
    oneOf: POLICY_KINDS.map(schemaOf),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
