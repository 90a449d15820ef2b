// Every planted fault, by what it is about.

import { ENGINE_MUTANTS } from './engine.ts';
import { KEY_MUTANTS } from './keys.ts';
import type { Mutant } from './mutant.ts';
import { POLICY_MUTANTS } from './policy.ts';
import { PROTOCOL_MUTANTS } from './protocol.ts';
import { SETTLE_MUTANTS } from './settle.ts';
import { SIGNAL_MUTANTS } from './signal.ts';
import { WAITING_MUTANTS } from './waiting.ts';

/** In the order of the page. */
export const MUTANT_PARTS: readonly { readonly name: string; readonly mutants: readonly Mutant[] }[] = [
  { name: 'Buckets, refunds, reservations', mutants: ENGINE_MUTANTS },
  { name: 'Waits and holds', mutants: WAITING_MUTANTS },
  { name: 'Keys, chains, plans', mutants: KEY_MUTANTS },
  { name: 'Policy parser', mutants: POLICY_MUTANTS },
  { name: 'Signals', mutants: SIGNAL_MUTANTS },
  { name: 'Protocol readers', mutants: PROTOCOL_MUTANTS },
  { name: 'Settling', mutants: SETTLE_MUTANTS },
];
