import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDecisionIds } from '../../sidecar/decision-id.ts';
import { readLedgerFile } from '../../sidecar/ledger-file.ts';
import { LedgerFormat } from '../../sidecar/ledger-format.ts';
import { createFolder, type Folder } from '../folder.ts';
import { CALL, decisionOf, settlementOf } from './ledger-samples.ts';

const format = new LedgerFormat();
let folder: Folder;
let file: string;

beforeEach(() => {
  folder = createFolder();
  file = folder.pathOf('ledger.log');
});

afterEach(() => folder.remove());

describe('a ledger file', () => {
  it('gives every decision with its settlement, wherever blocks of reading end', async () => {
    const ids = createDecisionIds(0, 1);
    const made = Array.from({ length: 3_000 }, () => ids.next());
    const lines = made.map((id, at) => {
      const late = made[at - 5];
      return (
        format.decision(decisionOf(id)) + (late === undefined ? '' : format.settlement(settlementOf(late)))
      );
    });
    const text = lines.join('');
    writeFileSync(file, text);
    // Each block boundary may fall into a line of these: the one that is there, and those around it.
    const boundaries = [1, 2, 3, 4, 5, 6, 7].map((block) =>
      text.lastIndexOf('"decision"', block * 256 * 1_024),
    );
    const near = boundaries.flatMap((offset) => {
      const at = made.indexOf(text.slice(offset).match(/"id":"(\w+)"/)?.[1] ?? '');
      return [at - 6, at - 5, at - 4, at - 1, at, at + 1];
    });
    for (const at of [0, ...near, 2_994, 2_995, 2_999]) {
      const id = made[at] ?? '';
      const entry = await readLedgerFile(file, id);
      expect(entry?.decision.id).toBe(id);
      expect(entry?.settle?.id).toBe(at < 2_995 ? id : undefined);
    }
  });

  it('does not have a decision that is not in it', async () => {
    const id = createDecisionIds(0, 1).next();
    writeFileSync(file, format.settlement(settlementOf(id)));
    expect(await readLedgerFile(file, id)).toBeUndefined();
    writeFileSync(file, '');
    expect(await readLedgerFile(file, id)).toBeUndefined();
  });

  it('may hold other output, broken lines and overlong ones', async () => {
    const ids = createDecisionIds(0, 1);
    const [id, other] = [ids.next(), ids.next()];
    const parts = [
      `{"level":"info","msg":"${id}"}\n`,
      format.decision(decisionOf(id)).slice(0, 100),
      '\n',
      `${'x'.repeat(400_000)}${id}${'y'.repeat(400_000)}\n`,
      `{"pad":"${'z'.repeat(70_000)}",${format.decision(decisionOf(id, { revision: 99 })).slice(1)}`,
      format.decision(decisionOf(other, { call: { ...CALL, session: id } })),
      `2026-11-24T10:00:00Z stdout F ${format.decision(decisionOf(id))}`,
      `${'x'.repeat(300_000)}\n`,
      format.settlement(settlementOf(id)).trimEnd(),
    ];
    writeFileSync(file, parts.join(''));
    const entry = await readLedgerFile(file, id);
    expect(entry).toMatchObject({ decision: { id, revision: 12 }, settle: { id } });
  });

  it('is read with bounded memory, one endless line included', async () => {
    const id = createDecisionIds(0, 1).next();
    // Sparse: the file system makes the zeros up.
    writeFileSync(file, '');
    truncateSync(file, 256 * 2 ** 20);
    appendFileSync(file, `\n${format.decision(decisionOf(id))}`);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }, 1);
    expect((await readLedgerFile(file, id))?.decision.id).toBe(id);
    clearInterval(watch);
    expect(most).toBeLessThan(128 * 2 ** 20);
  });

  it('that cannot be read, and a text that is no id, say so', async () => {
    const id = createDecisionIds(0, 1).next();
    await expect(readLedgerFile(folder.pathOf('none'), id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(readLedgerFile(folder.path, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(readLedgerFile(file, 'abc')).rejects.toMatchObject({ code: 'INVALID' });
  });
});
