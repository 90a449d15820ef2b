// Writes the generated sections of docs/signals.md. Run: node scripts/generate-signal-docs.ts

import { readFileSync, writeFileSync } from 'node:fs';
import { renderSignalsPage } from '../sidecar/protocol/signals-reference.ts';
import { renderSdkSection } from './sdk-matrix.ts';

const page = new URL('../docs/signals.md', import.meta.url);
const seen = new URL('../test/sdk/results.json', import.meta.url);
const text = renderSignalsPage(readFileSync(page, 'utf8'));
writeFileSync(page, renderSdkSection(text, JSON.parse(readFileSync(seen, 'utf8'))));
