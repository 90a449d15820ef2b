import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DENY_CLASSES } from '../../core/refusal.ts';
import { renderSdkSection, type SdkResults } from '../../scripts/sdk-matrix.ts';

const page = readFileSync(new URL('../../docs/signals.md', import.meta.url), 'utf8');
const results: SdkResults = JSON.parse(readFileSync(new URL('results.json', import.meta.url), 'utf8'));

describe('what docs/signals.md says that SDKs do', () => {
  it('is what was seen: node scripts/generate-signal-docs.ts writes it', () => {
    expect(renderSdkSection(page, results)).toBe(page);
  });

  it('covers every deny class', () => {
    const covered = new Set(results.situations.map((situation) => situation.class));
    for (const denyClass of DENY_CLASSES) expect(covered).toContain(denyClass);
  });

  it('says so where plain and streamed calls differ', () => {
    const [first, ...rest] = results.situations;
    const [sdk, cell] = Object.entries(first?.cells ?? {})[0] ?? [];
    if (first === undefined || sdk === undefined || cell === undefined)
      throw new Error('there are no results');
    const differing = { ...cell, stream: { ...cell.stream, requests: 1, waited: '' } };
    const changed = {
      ...results,
      situations: [{ ...first, cells: { ...first.cells, [sdk]: differing } }, ...rest],
    };
    expect(renderSdkSection(page, changed)).toContain(
      'plain: 2 requests, waits as announced, served; streamed: 1 request',
    );
  });
});
