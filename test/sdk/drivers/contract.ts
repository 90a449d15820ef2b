// What every driver does: each line on its standard input is one call to make through its SDK, each line on its standard
// output says how one call ended. Calls start at once, so the answers come in any order. The first line that a driver
// writes says that it is ready. contract.py is the same in Python.

import { createInterface } from 'node:readline';

/** One call. Only what is said here differs from the SDK's defaults. */
export type SdkCall = {
  readonly id: number;
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly mode: 'plain' | 'stream';
  readonly model: string;
  readonly maxTokens: number;
  readonly prompt: string;
  /** Merged into the body, over what the SDK would send. */
  readonly extraBody: Readonly<Record<string, unknown>>;
  /** A header that the HTTP layer below the SDK sends twice, with different values; '' = none. */
  readonly repeatedHeader: string;
};

/** The first line. */
export type DriverReady = { readonly ready: true; readonly version: string };

/** How a call ended. */
export type SdkOutcome = {
  readonly id: number;
  /** From the call to its end, retries and waits included. */
  readonly elapsedMs: number;
} & (SdkSuccess | SdkFailure);

type SdkSuccess = {
  readonly outcome: 'ok';
  readonly text: string;
  /** Pieces that the text came in: 1 unless streamed. */
  readonly pieces: number;
};

type SdkFailure = {
  readonly outcome: 'error';
  /** Name of the class, such as `RateLimitError`. */
  readonly errorClass: string;
  readonly message: string;
  /** Null where the error has none. */
  readonly status: number | null;
  readonly requestId: string | null;
};

/** What a call yields when it succeeds. */
export type SdkText = Pick<SdkSuccess, 'text' | 'pieces'>;

/** Serves calls until the standard input ends. `call` makes one, and throws the SDK's error. */
export function serveCalls(version: string, call: (request: SdkCall) => Promise<SdkText>): void {
  write({ ready: true, version });
  createInterface({ input: process.stdin }).on('line', (line) => {
    const request: SdkCall = JSON.parse(line);
    const startedMs = performance.now();
    const end = (outcome: SdkSuccess | SdkFailure): void =>
      write({ ...outcome, id: request.id, elapsedMs: performance.now() - startedMs });
    call(request).then(
      (text) => end({ outcome: 'ok', ...text }),
      (error: unknown) => end(toFailure(error)),
    );
  });
}

function write(line: DriverReady | SdkOutcome): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function toFailure(error: unknown): SdkFailure {
  // Both SDKs put these on their errors; what else is thrown has none of them.
  const { status, requestID } = error as {
    readonly status?: number;
    readonly requestID?: string | null;
  };
  return {
    outcome: 'error',
    errorClass: error instanceof Error ? error.constructor.name : typeof error,
    message: error instanceof Error ? error.message : String(error),
    status: status ?? null,
    requestId: requestID ?? null,
  };
}
