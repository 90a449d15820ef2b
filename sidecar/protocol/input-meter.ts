// The features of one request that the estimator works on, gathered in the pass that steps over the messages.

import type { InputFeatures } from '../../core/estimate/features.ts';
import { ContentVisitor } from './content-visitor.ts';
import type { JsonScan } from './json-scan.ts';

const OPEN_ARRAY = 0x5b;
const LOWER_N = 0x6e;

/**
 * Takes from a scan the values that reach the model, in any order, and sums up what they are. Data of images, audio and
 * files is never counted as text. A value that is null counts nothing.
 */
export class InputMeter {
  private readonly scan: JsonScan;
  private readonly visitor: ContentVisitor;
  private messages = 0;
  private tools = 0;

  constructor(scan: JsonScan) {
    this.scan = scan;
    this.visitor = new ContentVisitor(scan.bytes);
  }

  /** Takes the value of `messages`. Anything but an array is a problem. */
  readMessages(): void {
    if (this.scan.peek() !== OPEN_ARRAY) {
      this.scan.fail('messages must be an array');
      return;
    }
    this.visitor.items = 0;
    this.scan.walk(this.visitor);
    this.messages += this.visitor.items;
  }

  /** Takes a value whose strings are prompt: a system prompt as a string or in parts. */
  readText(): void {
    this.scan.walk(this.visitor);
  }

  /** Takes a value that reaches the model as JSON: a schema. */
  readCode(): void {
    const isNull = this.scan.peek() === LOWER_N;
    const start = this.scan.pos;
    if (this.scan.skip() && !isNull) this.visitor.tally.add(this.scan.bytes, start, this.scan.pos, true);
  }

  /** Takes the definitions of tools: code, and counted. */
  readTools(): void {
    const { scan } = this;
    if (scan.peek() !== OPEN_ARRAY) {
      this.readCode();
      return;
    }
    const start = scan.pos;
    scan.enterArray();
    while (scan.nextItem() && scan.skip()) this.tools += 1;
    this.visitor.tally.add(scan.bytes, start, scan.pos, true);
  }

  features(): InputFeatures {
    const { proseBytes, codeBytes, digitBytes, nonAsciiBytes } = this.visitor.tally;
    return {
      proseBytes,
      codeBytes,
      digitBytes,
      nonAsciiBytes,
      messages: this.messages,
      media: this.visitor.media,
      tools: this.tools,
    };
  }
}
