// The body of POST /v1/messages: what it says about its cost and its caller, in one pass and without a copy.

import { InputMeter } from '../input-meter.ts';
import { readFields } from '../json-fields.ts';
import { KeyTable } from '../json-keys.ts';
import { JsonScan } from '../json-scan.ts';
import type { ParsedRequest, RequestFacts } from '../protocol.ts';
import { readCount, readFlag, readModel, readText, takeNull } from '../request-fields.ts';
import { parseUserId, type UserId } from './user-id.ts';

const FIELDS = new KeyTable([
  'model',
  'stream',
  'max_tokens',
  'metadata',
  'messages',
  'system',
  'tools',
  'output_config',
  'output_format',
]);
type Field = (typeof FIELDS.names)[number];

const METADATA_FIELDS = new KeyTable(['user_id']);

/**
 * Reads a messages request. The user and the session come from `metadata.user_id`. The body is returned as the very
 * buffer that came: this API reports usage unasked.
 *
 * A body is invalid when it is not a JSON object, when a field that is read is given twice or has another type than the
 * API says, or when it nests deeper than the scanner goes.
 */
export function parseRequest(body: Buffer): ParsedRequest {
  const scan = new JsonScan(body);
  const request = new MessagesRequest(scan);
  readFields(scan, FIELDS, (field) => request.read(field));
  if (!scan.atEnd()) return { kind: 'invalid', problem: scan.problem ?? '' };
  return { kind: 'parsed', facts: request.facts() };
}

/** The fields read so far. */
class MessagesRequest {
  private readonly scan: JsonScan;
  private readonly input: InputMeter;
  private model = '';
  private stream = false;
  private maxTokens: number | undefined = undefined;
  private userId: UserId = { user: undefined, session: undefined };

  constructor(scan: JsonScan) {
    this.scan = scan;
    this.input = new InputMeter(scan);
  }

  read(field: Field): void {
    const { scan, input } = this;
    switch (field) {
      case 'model':
        this.model = readModel(scan);
        break;
      case 'stream':
        this.stream = readFlag(scan, field);
        break;
      case 'max_tokens':
        this.maxTokens = readCount(scan, field);
        break;
      case 'metadata':
        this.readMetadata();
        break;
      case 'messages':
        input.readMessages();
        break;
      case 'system':
        input.readText();
        break;
      case 'tools':
        input.readTools();
        break;
      case 'output_config':
      case 'output_format':
        input.readCode();
    }
  }

  facts(): RequestFacts {
    return {
      model: this.model,
      stream: this.stream,
      maxOutputTokens: this.maxTokens,
      user: this.userId.user,
      session: this.userId.session,
      features: this.input.features(),
      body: this.scan.bytes,
      usageSpliced: false,
    };
  }

  private readMetadata(): void {
    const { scan } = this;
    if (takeNull(scan)) return;
    readFields(scan, METADATA_FIELDS, () => {
      const text = readText(scan, 'metadata.user_id');
      if (text !== undefined) this.userId = parseUserId(text);
    });
  }
}
