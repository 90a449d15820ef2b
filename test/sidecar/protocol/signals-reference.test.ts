import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DENY_CLASSES, REASONS } from '../../../core/refusal.ts';
import { renderSignalsPage } from '../../../sidecar/protocol/signals-reference.ts';

const page = readFileSync(new URL('../../../docs/signals.md', import.meta.url), 'utf8');

describe('docs/signals.md', () => {
  it('is what scripts/generate-signal-docs.ts writes', () => {
    expect(renderSignalsPage(page)).toBe(page);
  });

  it('has a row for every class and every reason', () => {
    for (const denyClass of DENY_CLASSES) expect(page).toContain(`\n| ${denyClass} | `);
    for (const reason of REASONS) expect(page).toContain(`\n| \`${reason}\` | `);
  });
});

describe('renderSignalsPage', () => {
  it('leaves everything outside its sections alone, other generated sections too', () => {
    const mark = '<!-- /generated:sdk-matrix -->';
    const before = page.replace(mark, () => `kept\n${mark}`);
    const stale = before.replace('| THROTTLED | the wait', '| THROTTLED | a wait');
    expect(stale).not.toBe(before);
    expect(renderSignalsPage(stale)).toBe(before);
  });

  it('refuses a page that lost a section', () => {
    expect(() => renderSignalsPage(page.replace('<!-- generated:reasons -->', ''))).toThrow(
      'generated:reasons',
    );
  });
});
