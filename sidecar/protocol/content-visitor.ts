// Walks messages and their parts and decides of each string whether the model reads it, and as what.

import { KeyTable, NO_KEY } from './json-keys.ts';
import type { JsonVisitor } from './json-scan.ts';
import { TextTally } from './text-tally.ts';

/** How the value of a key counts. */
type Treatment = 'text' | 'code' | 'media' | 'nothing' | 'source' | 'field';

/** Of both APIs: their names do not contradict each other. A key without an entry holds text, so nothing hides. */
const TREATMENTS: readonly (readonly [key: string, treatment: Treatment])[] = [
  // Written by machines for machines, or not charged.
  ['role', 'nothing'],
  ['type', 'nothing'],
  ['id', 'nothing'],
  ['tool_call_id', 'nothing'],
  ['tool_use_id', 'nothing'],
  ['cache_control', 'nothing'],
  ['citations', 'nothing'],
  ['signature', 'nothing'],
  // What a tool was called with: JSON in a string (OpenAI), plain JSON (Anthropic).
  ['arguments', 'code'],
  ['input', 'code'],
  ['image_url', 'media'],
  ['video_url', 'media'],
  ['audio_url', 'media'],
  ['input_audio', 'media'],
  ['audio', 'media'],
  ['file', 'media'],
  // Of an Anthropic image or document.
  ['source', 'source'],
];
const KEYS = new KeyTable(TREATMENTS.map(([key]) => key));
const TREATMENT_OF = TREATMENTS.map(([, treatment]) => treatment);

const OPEN_OBJECT = 0x7b;
const SOURCE_DATA = 0;
const SOURCE_TYPE = 1;
const SOURCE_CONTENT = 2;
const SOURCE_KEYS = new KeyTable(['data', 'type', 'content']);
/** The types of a source that hold text; all others hold the data of a medium or point to one. */
const TEXT_SOURCES = new KeyTable(['text', 'content']);

/** An open `source` object. Its type may stand behind its data, so what the data is falls due where it closes. */
type Source = {
  readonly depth: number;
  readonly outer: Source | undefined;
  key: number;
  isText: boolean;
  dataStart: number;
  dataEnd: number;
};

/** Counts what the visited values give the model to read. Lives for one request and its bytes. */
export class ContentVisitor implements JsonVisitor {
  readonly tally = new TextTally();
  /** Objects directly in a visited array. */
  items = 0;
  media = 0;
  private readonly bytes: Buffer;
  private depth = 0;
  /** How the next value counts: set by its key; text for the items of arrays. */
  private next: Treatment = 'text';
  /** How deep inside a container that is not looked into; 0 outside of any. */
  private sealed = 0;
  private codeStart = -1;
  /** The innermost open source. */
  private source: Source | undefined = undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  key(start: number, end: number): void {
    if (this.sealed > 0) return;
    const source = this.openSource();
    if (source === undefined) {
      const index = KEYS.find(this.bytes, start, end);
      this.next = index < 0 ? 'text' : (TREATMENT_OF[index] ?? 'text');
    } else {
      source.key = SOURCE_KEYS.find(this.bytes, start, end);
      this.next = source.key === SOURCE_CONTENT ? 'text' : 'field';
    }
  }

  string(start: number, end: number): void {
    if (this.sealed > 0) return;
    switch (this.next) {
      case 'text':
      case 'source':
        this.tally.add(this.bytes, start, end, false);
        break;
      case 'code':
        this.tally.add(this.bytes, start, end, true);
        break;
      case 'media':
        this.media += 1;
        break;
      case 'field':
        this.noteSourceField(start, end);
        break;
      case 'nothing':
    }
  }

  open(start: number): void {
    if (this.sealed > 0) {
      this.sealed += 1;
      return;
    }
    if (this.depth === 1 && this.bytes[start] === OPEN_OBJECT) this.items += 1;
    const treatment = this.next;
    this.next = 'text';
    if (treatment === 'text' || treatment === 'source') this.descend(treatment);
    else this.seal(treatment, start);
  }

  close(end: number): void {
    this.next = 'text';
    if (this.sealed > 0) {
      this.sealed -= 1;
      if (this.sealed === 0 && this.codeStart >= 0) this.tally.add(this.bytes, this.codeStart, end, true);
      return;
    }
    const source = this.openSource();
    if (source !== undefined) this.closeSource(source);
    this.depth -= 1;
  }

  private descend(treatment: 'text' | 'source'): void {
    this.depth += 1;
    if (treatment === 'text') return;
    this.source = {
      depth: this.depth,
      outer: this.source,
      key: NO_KEY,
      isText: false,
      dataStart: 0,
      dataEnd: 0,
    };
  }

  private seal(treatment: Treatment, start: number): void {
    this.sealed = 1;
    this.codeStart = treatment === 'code' ? start : -1;
    if (treatment === 'media') this.media += 1;
  }

  /** The source whose own members are being visited. */
  private openSource(): Source | undefined {
    const source = this.source;
    return source !== undefined && source.depth === this.depth ? source : undefined;
  }

  private noteSourceField(start: number, end: number): void {
    const source = this.openSource();
    if (source?.key === SOURCE_TYPE) source.isText ||= TEXT_SOURCES.find(this.bytes, start, end) !== NO_KEY;
    if (source?.key !== SOURCE_DATA) return;
    source.dataStart = start;
    source.dataEnd = end;
  }

  private closeSource(source: Source): void {
    this.source = source.outer;
    if (source.isText) this.tally.add(this.bytes, source.dataStart, source.dataEnd, false);
    else this.media += 1;
  }
}
