// Writes docs/settings.md from the table of settings: node scripts/generate-settings-docs.ts

import { writeFileSync } from 'node:fs';
import { renderSettingsReference } from '../runtime/settings-reference.ts';
import { SIDECAR_SETTINGS } from '../sidecar/settings.ts';

const HEAD = `# Settings

What a sidecar can be told, by flag or by environment variable; a flag wins. \`flyball run --help\` shows the same.

`;

writeFileSync(
  new URL('../docs/settings.md', import.meta.url),
  HEAD + renderSettingsReference(SIDECAR_SETTINGS),
);
