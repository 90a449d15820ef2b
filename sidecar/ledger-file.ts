// Finds one decision in a ledger file, for `flyball explain ID --from FILE`. Files may be huge, still be written, and
// hold other output: memory stays at one block and one line, and what is not a ledger line is passed over.

import { createReadStream } from 'node:fs';
import { Problem } from '../runtime/problem.ts';
import { isDecisionId } from './decision-id.ts';
import type { LedgerEntry } from './ledger.ts';
import { type DecisionLine, parseLedgerLine, type SettleLine } from './ledger-line.ts';

const BLOCK_BYTES = 256 * 1_024;
/** No ledger line is longer; of a longer line nothing is kept. */
const MAX_LINE_BYTES = 64 * 1_024;
const LINE_BREAK = 0x0a;

/**
 * The decision of that id and its settlement, if the file has them; undefined when it has no such decision. Reads up
 * to the settlement, or to the end. Throws a Problem: INVALID for what is no id, NOT_FOUND for a file that cannot be
 * read.
 */
export async function readLedgerFile(path: string, id: string): Promise<LedgerEntry | undefined> {
  if (!isDecisionId(id)) {
    throw new Problem('INVALID', 'not a decision id: copy the 26 characters of the header flyball-decision');
  }
  let decision: DecisionLine | undefined;
  let settle: SettleLine | undefined;
  for await (const line of linesWith(path, id)) {
    const parsed = parseLedgerLine(line);
    if (parsed?.id !== id) continue;
    if (parsed.event === 'decision') decision ??= parsed;
    else settle ??= parsed;
    if (decision !== undefined && settle !== undefined) break;
  }
  return decision === undefined ? undefined : { decision, settle };
}

/** The lines that hold a text, each without its line break. */
async function* linesWith(path: string, text: string): AsyncGenerator<string> {
  const needle = Buffer.from(text);
  /** The line that a block broke off; undefined while an overlong line is skipped. */
  let rest: Buffer | undefined = Buffer.alloc(0);
  for await (const block of readBlocks(path)) {
    const data: Buffer = rest === undefined ? afterLineBreak(block) : Buffer.concat([rest, block]);
    const lastBreak = data.lastIndexOf(LINE_BREAK);
    yield* matches(data.subarray(0, lastBreak + 1), needle);
    const unfinished: Buffer = data.subarray(lastBreak + 1);
    const skips: boolean = unfinished.length > MAX_LINE_BYTES || (rest === undefined && data.length === 0);
    rest = skips ? undefined : unfinished;
  }
  if (rest !== undefined) yield* matches(rest, needle);
}

function afterLineBreak(block: Buffer): Buffer {
  const at = block.indexOf(LINE_BREAK);
  return at === -1 ? block.subarray(block.length) : block.subarray(at + 1);
}

function* matches(lines: Buffer, needle: Buffer): Generator<string> {
  let from = 0;
  for (let at = lines.indexOf(needle); at !== -1; at = lines.indexOf(needle, from)) {
    const start = lines.lastIndexOf(LINE_BREAK, at) + 1;
    const lineBreak = lines.indexOf(LINE_BREAK, at);
    const end = lineBreak === -1 ? lines.length : lineBreak;
    if (end - start <= MAX_LINE_BYTES) yield lines.toString('utf8', start, end);
    from = end;
  }
}

async function* readBlocks(path: string): AsyncGenerator<Buffer> {
  try {
    // A stream without an encoding yields Buffers, which its type does not say.
    yield* createReadStream(path, { highWaterMark: BLOCK_BYTES }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new Problem(
      'NOT_FOUND',
      `cannot read the ledger ${path}: check the path and its permissions`,
      error,
    );
  }
}
