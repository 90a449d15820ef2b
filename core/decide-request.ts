// One call to decide.

import type { Call } from './call.ts';
import type { CallCost, Metering } from './cost.ts';

export type DecideRequest = {
  readonly call: Call;
  /** Remembered until the call is settled: it must not change. */
  readonly cost: CallCost;
  readonly metering: Metering;
  /** The longest hold that the client's own deadline allows, in milliseconds. */
  readonly maxHoldMs: number;
  /** Names the caller for its place in the line of the refused: the same caller, the same number. 32 bits. */
  callerHash(): number;
};
