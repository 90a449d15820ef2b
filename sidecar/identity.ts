// Who is calling, from what the process was started with and what the request says.

import { UNKNOWN } from '../core/call.ts';

/** What the process itself knows: from its flags, or from injection. */
export type Workload = {
  readonly tenant: string;
  readonly agent: string;
  /**
   * The names that may stand in a base URL; undefined = any. Each has buckets of its own, so a command that could make
   * names up could have as many as it likes.
   */
  readonly agents: ReadonlySet<string> | undefined;
  /** The user for calls that name none; undefined = unknown. */
  readonly user: string | undefined;
  readonly pod: string;
};

/** Longest caller-supplied id kept. Longer ones are cut, and so share a bucket. */
const MAX_ID_LENGTH = 256;

/**
 * An id as it may stand in a key: without control characters, bounded, `unknown` when empty. Ids that differ only in
 * what is removed share a bucket, which is never laxer.
 */
export function cleanId(id: string | undefined): string {
  if (id === undefined || id === '') return UNKNOWN;
  if (id.length <= MAX_ID_LENGTH && !CONTROL.test(id)) return id;
  const cleaned = id.slice(0, MAX_ID_LENGTH).replaceAll(CONTROLS, '');
  return cleaned === '' ? UNKNOWN : cleaned;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const CONTROL = /[\u0000-\u001f\u007f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const CONTROLS = /[\u0000-\u001f\u007f]/g;
