// Asking the provider for usage in a stream whose caller did not: the one change that we make to a body, and only where
// there is exactly one way to read it.

import { readFields } from '../json-fields.ts';
import { KeyTable } from '../json-keys.ts';
import type { JsonScan } from '../json-scan.ts';
import { spaceEnd } from '../json-tokens.ts';

const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const OPTION_KEYS = new KeyTable(['include_usage']);

/** Bytes to put in the place of `removedBytes` bytes at `at`. */
export type Splice = { readonly at: number; readonly removedBytes: number; readonly inserted: string };

/**
 * Takes the value of `stream_options`. Returns the splice that makes it ask for usage; undefined when it already does,
 * or when what it asks for is not clear (the provider will say so).
 */
export function readStreamOptions(scan: JsonScan): Splice | undefined {
  const first = scan.peek();
  const at = scan.pos;
  if (first !== OPEN_OBJECT) {
    scan.skip();
    return first === LOWER_N ? { at, removedBytes: 4, inserted: '{"include_usage":true}' } : undefined;
  }
  const isEmpty = scan.bytes[spaceEnd(scan.bytes, at + 1, scan.bytes.length)] === CLOSE_OBJECT;
  let splice: Splice | undefined = {
    at: at + 1,
    removedBytes: 0,
    inserted: isEmpty ? '"include_usage":true' : '"include_usage":true,',
  };
  readFields(scan, OPTION_KEYS, () => {
    const isFalse = scan.peek() === LOWER_F;
    splice = isFalse ? { at: scan.pos, removedBytes: 5, inserted: 'true' } : undefined;
    scan.skip();
  });
  return splice;
}

/** The splice for a body without `stream_options` whose last member ends before the `}` at `at`. */
export function addStreamOptions(at: number): Splice {
  return { at, removedBytes: 0, inserted: ',"stream_options":{"include_usage":true}' };
}

/** A copy of the body with the splice in it; all other bytes are the same. */
export function applySplice(body: Buffer, { at, removedBytes, inserted }: Splice): Buffer {
  return Buffer.concat([body.subarray(0, at), Buffer.from(inserted), body.subarray(at + removedBytes)]);
}
