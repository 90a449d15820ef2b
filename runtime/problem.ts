// The one error type that crosses the border of a module: a code from a closed table, a sentence for the person
// who reads it, and the cause, which is for logs alone. A call that is refused is not a Problem but a result.

/** What a code means to the three kinds of reader: gRPC clients, HTTP clients, and whoever might try again. */
export type ProblemMeaning = {
  /** Canonical status code of gRPC (google.rpc.Code). */
  readonly grpcCode: number;
  readonly httpStatus: number;
  /** True when the same attempt may succeed later without a change. */
  readonly retryable: boolean;
};

/**
 * The closed table of codes.
 *
 * - INVALID: the input is wrong; the message names the field and the fix. - TOO_LARGE: the input exceeds a bound.
 * - UNAUTHENTICATED: identity missing or contradictory. - FORBIDDEN: not allowed, whoever repeats it.
 * - NOT_FOUND: no such thing. - CONFLICT: somebody else changed it first; read again. - EXHAUSTED: a bound of this
 *   process is reached. - CANCELLED: the caller went away. - TIMEOUT: no answer in time.
 * - UNSUPPORTED: valid, but this version cannot do it. - UNAVAILABLE: a neighbour or this process is not ready.
 * - INTERNAL: a fault of ours.
 */
export const PROBLEMS = {
  INVALID: { grpcCode: 3, httpStatus: 400, retryable: false },
  TOO_LARGE: { grpcCode: 11, httpStatus: 413, retryable: false },
  UNAUTHENTICATED: { grpcCode: 16, httpStatus: 401, retryable: false },
  FORBIDDEN: { grpcCode: 7, httpStatus: 403, retryable: false },
  NOT_FOUND: { grpcCode: 5, httpStatus: 404, retryable: false },
  CONFLICT: { grpcCode: 10, httpStatus: 409, retryable: true },
  EXHAUSTED: { grpcCode: 8, httpStatus: 429, retryable: true },
  CANCELLED: { grpcCode: 1, httpStatus: 499, retryable: false },
  TIMEOUT: { grpcCode: 4, httpStatus: 504, retryable: true },
  UNSUPPORTED: { grpcCode: 12, httpStatus: 501, retryable: false },
  UNAVAILABLE: { grpcCode: 14, httpStatus: 503, retryable: true },
  INTERNAL: { grpcCode: 13, httpStatus: 500, retryable: false },
} as const satisfies Record<string, ProblemMeaning>;

export type ProblemCode = keyof typeof PROBLEMS;

/**
 * A failure that somebody outside the module must hear of. `message` may be shown to any caller, so it holds no
 * secret and no text of a prompt; `cause` stays in logs: it is neither serialised nor part of the message.
 */
export class Problem extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  override get name(): string {
    return 'Problem';
  }

  /** The row of the table for this code. */
  get meaning(): ProblemMeaning {
    return PROBLEMS[this.code];
  }

  /** What `JSON.stringify` shows: code and message, never the cause or the stack. */
  toJSON(): { readonly code: ProblemCode; readonly message: string } {
    return { code: this.code, message: this.message };
  }
}

/**
 * Turns anything that was thrown into a Problem. A Problem stays the same object; whatever else becomes INTERNAL
 * with a message that tells nothing, because the text of a foreign error may quote its input.
 */
export function toProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem('INTERNAL', 'internal error', thrown);
}
