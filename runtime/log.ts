// The process log: one JSON object a line, for people who run Flyball. Redaction is by construction: a line holds a
// fixed message and the fields listed here, and nothing else can get in, whatever a caller passes.

import { pino } from 'pino';
import type { LineWriter } from './line-writer.ts';
import { toPrintable } from './printable.ts';
import { Problem } from './problem.ts';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The closed list of fields. Prompts, bodies, tool arguments, headers, keys and request paths have no field, and none
 * may be added for them.
 */
export const LOG_FIELDS = [
  'address',
  'agent',
  'bytes',
  'class',
  'code',
  'command',
  'count',
  'decision',
  'durationMs',
  'exitCode',
  'file',
  'graceMs',
  'limit',
  'name',
  'origin',
  'pid',
  'policy',
  'port',
  'problem',
  'reason',
  'revision',
  'setting',
  'signal',
  'status',
  'upstream',
  'value',
  'version',
] as const;
type LogField = (typeof LOG_FIELDS)[number];

/** Fields of one line. Texts are cut to 256 printable characters. `error` is logged by `describeError`. */
export type LogFields = { readonly [Field in LogField]?: string | number | boolean } & {
  readonly error?: unknown;
};

/** `message` is a constant text of ours; what varies goes into fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogOptions = {
  /** Which process speaks: `sidecar`, `operator`. */
  readonly process: string;
  readonly level: LogLevel;
  readonly writer: LineWriter;
};

/** What may be told of an error: never the message of a foreign one. */
export type ErrorDescription = {
  readonly name: string;
  readonly code?: string;
  readonly message?: string;
  /** Where it was made: the frames of the stack without the message above them. */
  readonly frames?: string;
  readonly cause?: ErrorDescription;
};

const MAX_TEXT = 256;
const MAX_FRAMES = 1_024;
const MAX_CAUSES = 4;
const FRAME = /^ {4}at .*:\d+:\d+\)?$/;

/** A log that writes to `writer`. Whoever made the writer closes it. */
export function createLog(options: LogOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: { process: options.process },
      formatters: { level: (label) => ({ level: label }) },
      serializers: {},
    },
    { write: (line: string) => options.writer.write(line) },
  );
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (logger.isLevelEnabled(level)) logger[level](keepListed(fields ?? {}), message);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function keepListed(fields: LogFields): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of LOG_FIELDS) {
    const value: unknown = fields[name];
    if (typeof value === 'string') kept[name] = toPrintable(value, MAX_TEXT);
    else if (typeof value === 'number' || typeof value === 'boolean') kept[name] = value;
  }
  if (fields.error !== undefined) kept.error = describeError(fields.error);
  return kept;
}

/**
 * Name, code, place and causes of an error. The message is told for our own Problems and for errors of the system
 * (`connect ECONNREFUSED …`) alone: others quote their input (`JSON.parse` shows the text it failed on).
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const isSystemError = 'syscall' in error && code !== undefined;
  const frames = describeFrames(error);
  return {
    name: toPrintable(error.name, MAX_TEXT),
    ...(code !== undefined && { code: toPrintable(code, MAX_TEXT) }),
    ...((error instanceof Problem || isSystemError) && { message: toPrintable(error.message, MAX_TEXT) }),
    ...(frames !== '' && { frames }),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: describeError(error.cause, depth + 1) }),
  };
}

function describeFrames(error: Error): string {
  // The message may itself hold lines that look like frames.
  const stack = (error.stack ?? '').replace(error.message, () => '');
  const frames = stack.split('\n').filter((line) => FRAME.test(line));
  return toPrintable(frames.map((frame) => frame.trim()).join(' '), MAX_FRAMES);
}
