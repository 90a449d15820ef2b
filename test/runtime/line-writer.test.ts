import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLineWriter } from '../../runtime/line-writer.ts';
import { createFolder, type Folder } from '../folder.ts';

let folder: Folder;
let file: string;

beforeEach(() => {
  folder = createFolder();
  file = folder.pathOf('out.log');
});

afterEach(() => folder.remove());

describe('a line writer', () => {
  it('appends whole lines in order and writes the rest when it closes', async () => {
    for (const run of ['first', 'second']) {
      const writer = createLineWriter({ to: file, bufferBytes: 4_096, flushMs: 1_000 });
      for (let line = 0; line < 1_000; line += 1) expect(writer.write(`${run} ${line}\n`)).toBe(true);
      await writer.close(5_000);
    }
    const expected = ['first', 'second'].flatMap((run) =>
      Array.from({ length: 1_000 }, (_, n) => `${run} ${n}\n`),
    );
    expect(readFileSync(file, 'utf8')).toBe(expected.join(''));
  });

  it('is readable by its owner only', async () => {
    await createLineWriter({ to: file, bufferBytes: 0, flushMs: 1_000 }).close(5_000);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('writes what is buffered after its time, without being asked', async () => {
    const writer = createLineWriter({ to: file, bufferBytes: 4_096, flushMs: 5 });
    writer.write('a line\n');
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('a line\n'), {
      timeout: 5_000,
      interval: 5,
    });
    await writer.close(5_000);
  });

  it('writes what is buffered at once when the process may not wait', async () => {
    const writer = createLineWriter({ to: file, bufferBytes: 4_096, flushMs: 60_000 });
    writer.write('last words\n');
    writer.flushSync();
    expect(readFileSync(file, 'utf8')).toBe('last words\n');
    await writer.close(5_000);
  });

  it('drops and says so when more waits than it may hold', async () => {
    const writer = createLineWriter({ to: file, bufferBytes: 4_096, flushMs: 60_000, maxPendingBytes: 100 });
    expect(writer.write(`${'x'.repeat(90)}\n`)).toBe(true);
    expect(writer.write(`${'y'.repeat(90)}\n`)).toBe(false);
    expect(writer.write('z\n')).toBe(true);
    await writer.close(5_000);
    expect(readFileSync(file, 'utf8')).toBe(`${'x'.repeat(90)}\nz\n`);
  });

  it('takes nothing after it is closed, and closes twice without harm', async () => {
    const writer = createLineWriter({ to: file, bufferBytes: 0, flushMs: 1_000 });
    await writer.close(5_000);
    await writer.close(5_000);
    expect(writer.write('late\n')).toBe(false);
    writer.flushSync();
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  it('says which file cannot be written', () => {
    expect(() => createLineWriter({ to: folder.pathOf('no/file'), bufferBytes: 0, flushMs: 1 })).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringContaining('cannot write to') }),
    );
  });

  it('outlives a full disk without an exception', async () => {
    const writer = createLineWriter({ to: '/dev/full', bufferBytes: 0, flushMs: 1, maxPendingBytes: 1_000 });
    for (let line = 0; line < 100; line += 1) writer.write(`${'x'.repeat(50)}\n`);
    await new Promise((resolve) => setImmediate(resolve));
    expect(writer.write('x\n'.repeat(500))).toBe(false);
    await writer.close(5_000);
  });

  it('does not keep the process alive, and loses nothing when the process ends', () => {
    const script = writeScript(`
      const writer = createLineWriter({ to: process.argv[2], bufferBytes: 4096, flushMs: 3600000 });
      writer.write('kept\\n');`);
    execFileSync(process.execPath, [script, file], { timeout: 20_000 });
    expect(readFileSync(file, 'utf8')).toBe('kept\n');
  });

  it('survives a reader that goes away', () => {
    const script = writeScript(`
      const writer = createLineWriter({ to: 1, bufferBytes: 0, flushMs: 10 });
      while (writer.write('line\\n')) await new Promise((resolve) => setImmediate(resolve));
      await writer.close(60000);
      process.stderr.write('closed');`);
    const command = `("${process.execPath}" "${script}" | head -n 1) 2>&1`;
    expect(execFileSync('bash', ['-c', command], { timeout: 20_000, encoding: 'utf8' })).toBe('line\nclosed');
  });
});

function writeScript(body: string): string {
  const module = new URL('../../runtime/line-writer.ts', import.meta.url).href;
  folder.write('script.mjs', `import { createLineWriter } from ${JSON.stringify(module)};\n${body}`);
  return folder.pathOf('script.mjs');
}
