// What a call is charged when it ends: quota.md section 1, "settle", as far as an HTTP exchange can tell.

import type { Ending } from '../../core/settlement.ts';
import type { CallOutcome } from '../call-observer.ts';
import type { EstimateError, MeteredCall, MeteredUse } from '../meter.ts';
import type { UsageReader } from '../protocol/protocol.ts';

/** What is known of a call at its end. */
export type EndedCall = {
  readonly outcome: CallOutcome;
  /** The request was written to a connection, so the upstream may have seen it. */
  readonly wasSent: boolean;
  /** Status of the upstream's answer; 0 = none came. */
  readonly status: number;
  /** Undefined for calls that are only counted. */
  readonly metered: MeteredCall | undefined;
  /** Undefined where no answer came, or none that is read. */
  readonly reader: UsageReader | undefined;
};

/** What it is charged, and what is known of that. */
export type CallUse = {
  /** Undefined = as reserved. */
  readonly ending: Ending | undefined;
  readonly metered: MeteredUse | undefined;
  readonly estimated: boolean;
  readonly error: EstimateError | undefined;
};

/**
 * - never sent: nothing. - only counted: the request.
 * - a report of the provider that is whole: the report. One that was cut off: its input, and the output it names or the
 *   output that was seen, whichever is more.
 * - an error of the upstream, or no answer although the caller waited: the request, no tokens.
 * - ended well and unreadable: as reserved. - anything else: the estimated input and the output that was seen.
 */
export function useOf({ outcome, wasSent, status, metered, reader }: EndedCall): CallUse {
  if (!wasSent) return exact({ kind: 'unsent' });
  if (metered === undefined) return exact({ kind: 'counted' });
  const outputBytes = reader?.outputBytes ?? 0;
  const usage = reader?.usage();
  if (usage !== undefined && outcome === 'complete') {
    const { use, error } = metered.reported(usage);
    return { ending: { kind: 'used', ...use }, metered: use, estimated: false, error };
  }
  if (usage === undefined && (status >= 400 || (status === 0 && outcome === 'upstream-failed'))) {
    return exact({ kind: 'failed' });
  }
  const use = metered.guessed(outputBytes, usage);
  const isUnreadable = outcome === 'complete' && outputBytes === 0;
  return {
    ending: isUnreadable ? undefined : { kind: 'used', ...use },
    metered: use,
    estimated: true,
    error: undefined,
  };
}

function exact(ending: Ending): CallUse {
  return { ending, metered: undefined, estimated: false, error: undefined };
}
