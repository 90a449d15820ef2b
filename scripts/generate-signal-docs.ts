// Writes the generated sections of docs/signals.md. Run: node scripts/generate-signal-docs.ts

import { readFileSync, writeFileSync } from 'node:fs';
import { renderSignalsPage } from '../sidecar/protocol/signals-reference.ts';

const page = new URL('../docs/signals.md', import.meta.url);
writeFileSync(page, renderSignalsPage(readFileSync(page, 'utf8')));
