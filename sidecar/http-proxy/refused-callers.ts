// Who comes back. A refused caller has a place in the line of its limits, and must be known again when it repeats its
// call; but SDKs repeat on whatever connection is free, some on a new one each time. They count their repeats, though:
// a counted repeat is whoever made the same call and is due.

import { hashString } from '../../core/hash-string.ts';

/** Calls remembered. Beyond it all are forgotten, and who comes back is a newcomer. */
const MAX_REMEMBERED = 4_096;

/** Who does not come within this time after its wait does not come back. */
const EXPIRY_MS = 5_000;

/** A call as it names its caller. */
export type RepeatableCall = {
  /** The same for the same call of the same agent, user and session. */
  readonly digest: number;
  readonly connection: number;
  /** How often the caller has made it before, by its own count; undefined where it does not count. */
  readonly repeats: number | undefined;
};

type Absent = { readonly caller: number; readonly dueMs: number };

/** The refused callers that are expected back. */
export class RefusedCallers {
  readonly #absentByDigest = new Map<number, Absent[]>();
  #remembered = 0;
  #callers = 0;

  /** Calls that are remembered. */
  get size(): number {
    return this.#remembered;
  }

  /**
   * A 32-bit number for the caller: of a counted repeat the number that the same call was refused under, the one that
   * is due first where there are several; of a first call a new one. A caller that does not count is its connection.
   * Ask once per call.
   */
  numberOf({ digest, connection, repeats }: RepeatableCall, nowMs: number): number {
    if (repeats === undefined) return hashString(`${connection}\n${digest}`);
    const returning = repeats > 0 ? this.#take(digest, nowMs) : undefined;
    return returning ?? hashString(`#${++this.#callers}\n${digest}`);
  }

  /** The caller was told to come back at `dueMs`. */
  expect({ digest, repeats }: RepeatableCall, caller: number, dueMs: number): void {
    if (repeats === undefined) return;
    if (this.#remembered === MAX_REMEMBERED) this.#forgetAll();
    const absent = this.#absentByDigest.get(digest) ?? [];
    this.#absentByDigest.set(digest, absent);
    let at = absent.length;
    while (at > 0 && (absent[at - 1] as Absent).dueMs > dueMs) at -= 1;
    absent.splice(at, 0, { caller, dueMs });
    this.#remembered += 1;
  }

  #take(digest: number, nowMs: number): number | undefined {
    const absent = this.#absentByDigest.get(digest);
    if (absent === undefined) return undefined;
    let expired = 0;
    while (expired < absent.length && (absent[expired] as Absent).dueMs + EXPIRY_MS < nowMs) expired += 1;
    const gone = absent.splice(0, expired + 1);
    this.#remembered -= gone.length;
    if (absent.length === 0) this.#absentByDigest.delete(digest);
    return gone[expired]?.caller;
  }

  #forgetAll(): void {
    this.#absentByDigest.clear();
    this.#remembered = 0;
  }
}
