// Writes the pages that are generated from the description of a policy. Run: node scripts/generate-policy-docs.ts

import { writeFileSync } from 'node:fs';
import { renderJsonSchema } from '../core/policy/json-schema.ts';
import { renderReference } from '../core/policy/reference.ts';

const docs = new URL('../docs/', import.meta.url);
writeFileSync(new URL('policy-reference.md', docs), renderReference());
writeFileSync(new URL('ratelimitpolicy.schema.json', docs), renderJsonSchema());
