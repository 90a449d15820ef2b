import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectGolden } from '../golden-file.ts';
import { replay } from './transcript.ts';

const FOLDER = new URL('transcripts/', import.meta.url);

describe('the transcript', () => {
  it.each(readdirSync(FOLDER))('%s is what the decider says', (name) => {
    const text = readFileSync(new URL(name, FOLDER), 'utf8');
    expectGolden(import.meta.url, `transcripts/${name}`, replay(text));
  });

  it('is not empty: a story that decides nothing proves nothing', () => {
    expect(readdirSync(FOLDER).length).toBeGreaterThanOrEqual(8);
    expect(replay('limits\n  all Requests 1/1000ms\n\ncall a 0\n\ncall b 0')).toContain('b refused');
  });
});
