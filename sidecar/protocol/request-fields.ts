// The kinds of field that requests have. Each function takes the next value of a scan; null means "not given".

import { toPrintable } from '../../runtime/printable.ts';
import type { JsonScan } from './json-scan.ts';

/** Names and ids are at most this long after cleaning. */
const MAX_NAME_LENGTH = 256;
/** Longer strings in the document are refused: nobody's name needs them. */
const MAX_FIELD_BYTES = 1024;

const LOWER_N = 0x6e;

/** Takes the name of a model: '' for null. It selects limits and prices, so it must be exact and printable. */
export function readModel(scan: JsonScan): string {
  if (takeNull(scan)) return '';
  const model = scan.readString(MAX_FIELD_BYTES);
  if (model !== undefined && toPrintable(model, MAX_NAME_LENGTH) === model) return model;
  scan.fail(`model must be a string of at most ${MAX_NAME_LENGTH} printable characters`);
  return '';
}

/**
 * Takes an id of a user or a session: undefined for null and for ''. Unprintable characters are left out and what is
 * too long is cut: ids that become equal by that share one limit, which is never laxer.
 */
export function readId(scan: JsonScan, field: string): string | undefined {
  const text = readText(scan, field);
  return text === undefined ? undefined : toId(text);
}

/** Takes a short string as it is: undefined for null. */
export function readText(scan: JsonScan, field: string): string | undefined {
  if (takeNull(scan)) return undefined;
  const text = scan.readString(MAX_FIELD_BYTES);
  if (text === undefined) scan.fail(`${field} must be a valid string of at most ${MAX_FIELD_BYTES} bytes`);
  return text;
}

/** An id fit for a key of a limit, or undefined when nothing printable is left. */
export function toId(text: string): string | undefined {
  const id = toPrintable(text, MAX_NAME_LENGTH);
  return id === '' ? undefined : id;
}

/** Takes a number of tokens or choices: undefined for null, never above Number.MAX_SAFE_INTEGER. */
export function readCount(scan: JsonScan, field: string): number | undefined {
  if (takeNull(scan)) return undefined;
  const count = scan.readNumber();
  if (count !== undefined && count >= 0 && Number.isInteger(count))
    return Math.min(count, Number.MAX_SAFE_INTEGER);
  scan.fail(`${field} must be a whole number of at least 0`);
  return undefined;
}

/** Takes true or false: false for null. */
export function readFlag(scan: JsonScan, field: string): boolean {
  if (takeNull(scan)) return false;
  const flag = scan.readBoolean();
  if (flag === undefined) scan.fail(`${field} must be true or false`);
  return flag ?? false;
}

/** Takes a null, if one is next. */
export function takeNull(scan: JsonScan): boolean {
  return scan.peek() === LOWER_N && scan.skip();
}
