// How much text a streamed answer has produced, for the case that its usage never comes.

import { KeyTable, NO_KEY } from './json-keys.ts';
import { JsonScan, type JsonVisitor } from './json-scan.ts';
import { KeySearch } from './key-search.ts';

const OPEN_OBJECT = 0x7b;
const DELTA = new KeySearch('delta');
/** Strings in a delta that the model did not write. */
const NOT_WRITTEN = new KeyTable(['role', 'type', 'id', 'signature']);

/**
 * Counts the bytes of the strings in the `delta` object of each event: text, refusals, thinking, and the names and
 * arguments of tools, in both APIs. An approximation: escapes count as they are written, and of several deltas in one
 * event only the first counts.
 */
export class OutputMeter implements JsonVisitor {
  outputBytes = 0;
  private bytes: Buffer = Buffer.alloc(0);
  private isWritten = false;
  /** Where the last delta stood, from the start of its event: streams repeat themselves. */
  private usualPlace = 0;

  /** Adds the event whose JSON is `bytes[start, end)`. */
  addEvent(bytes: Buffer, start: number, end: number): void {
    const value = this.deltaIn(bytes, start, end);
    if (value < 0 || value >= end || bytes[value] !== OPEN_OBJECT) return;
    this.bytes = bytes;
    new JsonScan(bytes, value, end).walk(this);
  }

  key(start: number, end: number): void {
    this.isWritten = NOT_WRITTEN.find(this.bytes, start, end) === NO_KEY;
  }

  string(start: number, end: number): void {
    if (this.isWritten) this.outputBytes += end - start;
  }

  open(): void {
    this.isWritten = true;
  }

  close(): void {
    this.isWritten = true;
  }

  private deltaIn(bytes: Buffer, start: number, end: number): number {
    const usual = DELTA.valueOf(bytes, start + this.usualPlace, end);
    if (usual >= 0) return usual;
    const at = DELTA.find(bytes, start, end);
    if (at < 0) return -1;
    this.usualPlace = at - start;
    return DELTA.valueOf(bytes, at, end);
  }
}
