// The body of POST /chat/completions: what it says about its cost and its caller, in one pass and without a copy.

import { InputMeter } from '../input-meter.ts';
import { readFields } from '../json-fields.ts';
import { KeyTable } from '../json-keys.ts';
import { JsonScan } from '../json-scan.ts';
import type { ParsedRequest, RequestFacts } from '../protocol.ts';
import { readCount, readFlag, readId, readModel } from '../request-fields.ts';
import { addStreamOptions, applySplice, readStreamOptions, type Splice } from './usage-splice.ts';

const FIELDS = new KeyTable([
  'model',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'n',
  'best_of',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'messages',
  'prediction',
  'tools',
  'functions',
  'response_format',
]);
type Field = (typeof FIELDS.names)[number];

/**
 * Reads a chat completions request.
 *
 * The output cap is the larger of `max_tokens` and `max_completion_tokens`, times the larger of `n` and `best_of`: with
 * two names for one thing, the provider may obey either. The user is `safety_identifier`, else `user`; the session is
 * `prompt_cache_key`. A streamed request that does not ask for usage gets `stream_options.include_usage` spliced in;
 * every other body is returned as the very buffer that came.
 *
 * A body is invalid when it is not a JSON object, when a field that is read is given twice or has another type than the
 * API says, or when it nests deeper than the scanner goes.
 */
export function parseRequest(body: Buffer): ParsedRequest {
  const scan = new JsonScan(body);
  const request = new ChatRequest(scan);
  readFields(scan, FIELDS, (field) => request.read(field));
  const closingBrace = scan.pos - 1;
  if (!scan.atEnd()) return { kind: 'invalid', problem: scan.problem ?? '' };
  return { kind: 'parsed', facts: request.facts(closingBrace) };
}

/** The fields read so far. */
class ChatRequest {
  private readonly scan: JsonScan;
  private readonly input: InputMeter;
  private model = '';
  private stream = false;
  private options: Splice | undefined = undefined;
  private hasOptions = false;
  private maxTokens: number | undefined = undefined;
  private choices = 1;
  private user: string | undefined = undefined;
  private safetyIdentifier: string | undefined = undefined;
  private session: string | undefined = undefined;

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
      case 'stream_options':
        this.hasOptions = true;
        this.options = readStreamOptions(scan);
        break;
      case 'max_tokens':
      case 'max_completion_tokens':
        this.maxTokens = larger(this.maxTokens, readCount(scan, field));
        break;
      case 'n':
      case 'best_of':
        this.choices = Math.max(this.choices, readCount(scan, field) ?? 1);
        break;
      case 'user':
        this.user = readId(scan, field);
        break;
      case 'safety_identifier':
        this.safetyIdentifier = readId(scan, field);
        break;
      case 'prompt_cache_key':
        this.session = readId(scan, field);
        break;
      case 'messages':
        input.readMessages();
        break;
      case 'prediction':
        input.readText();
        break;
      case 'tools':
      case 'functions':
        input.readTools();
        break;
      case 'response_format':
        input.readCode();
    }
  }

  facts(closingBrace: number): RequestFacts {
    const body = this.scan.bytes;
    const splice = this.hasOptions ? this.options : addStreamOptions(closingBrace);
    const isSpliced = this.stream && splice !== undefined;
    return {
      model: this.model,
      stream: this.stream,
      maxOutputTokens:
        this.maxTokens === undefined
          ? undefined
          : Math.min(this.maxTokens * this.choices, Number.MAX_SAFE_INTEGER),
      user: this.safetyIdentifier ?? this.user,
      session: this.session,
      features: this.input.features(),
      body: isSpliced ? applySplice(body, splice) : body,
      usageSpliced: isSpliced,
    };
  }
}

function larger(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined ? right : Math.max(left, right ?? 0);
}
