// The ledger: one line when a call is decided, one when it is settled, and the last decisions at hand for `explain`.
// The id of a decision says its slot, so there is no index to maintain; lines go to the file in batches.

import { toSequence } from './decision-id.ts';
import { LedgerFormat } from './ledger-format.ts';
import {
  type Decision,
  type DecisionLine,
  parseLedgerLine,
  type SettleLine,
  type Settlement,
} from './ledger-line.ts';
import { LinePlaces, LineRing } from './line-ring.ts';

export type LedgerOptions = {
  /** Takes one or more whole lines. False = they were dropped. */
  readonly write: (lines: string) => boolean;
  /** How many decisions `find` can look back, at 1 KiB each; longer lines shorten it. */
  readonly capacity: number;
  /** Longest time in milliseconds before a line is handed to `write`. */
  readonly flushMs: number;
  /** Told how many lines `write` dropped. */
  readonly onDropped: (lines: number) => void;
};

/** A decision and, once the call is over, its settlement. */
export type LedgerEntry = { readonly decision: DecisionLine; readonly settle: SettleLine | undefined };

export interface Ledger {
  /** Appends the line of a decision. Every decision exactly once. */
  decide(decision: Decision): void;
  /** Appends the line of a settlement, after the decision of the same id. */
  settle(settlement: Settlement): void;
  /** One of the last decisions by its id; undefined for older and unknown ones. */
  find(id: string): LedgerEntry | undefined;
  /** Hands everything to `write` now. */
  flush(): void;
  /** Flushes; lines that still come are handed to `write` at once. */
  close(): void;
}

/** Bytes kept per decision, its settlement included. A decision with one limit and its settlement take about 800. */
const BYTES_PER_DECISION = 1_024;

export function createLedger(options: LedgerOptions): Ledger {
  const ring = new LineRing(options.capacity * BYTES_PER_DECISION);
  const decisions = new LinePlaces(options.capacity);
  const settlements = new LinePlaces(options.capacity);
  const format = new LedgerFormat();
  const batch = new Batch(options);
  return {
    decide(decision) {
      const line = format.decision(decision);
      ring.put(line, toSequence(decision.id), decisions);
      batch.append(line);
    },
    settle(settlement) {
      const line = format.settlement(settlement);
      ring.put(line, toSequence(settlement.id), settlements);
      batch.append(line);
    },
    find(id) {
      const sequence = toSequence(id);
      const decision = parseLedgerLine(ring.get(sequence, decisions));
      // The slot may belong to a decision of another process with the same count.
      if (decision?.event !== 'decision' || decision.id !== id) return undefined;
      const settle = parseLedgerLine(ring.get(sequence, settlements));
      return { decision, settle: settle?.event === 'settle' && settle.id === id ? settle : undefined };
    },
    flush: () => batch.flush(),
    close: () => batch.close(),
  };
}

/** Handing on costs about 10 us whatever the size, so lines travel together. */
const BATCH_LENGTH = 32 * 1_024;

class Batch {
  readonly #options: LedgerOptions;
  #text = '';
  #lines = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  append(line: string): void {
    this.#text += line;
    this.#lines += 1;
    if (this.#closed || this.#text.length >= BATCH_LENGTH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.flushMs).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines === 0) return;
    const lines = this.#lines;
    const text = this.#text;
    this.#text = '';
    this.#lines = 0;
    if (!this.#options.write(text)) this.#options.onDropped(lines);
  }

  close(): void {
    this.#closed = true;
    this.flush();
  }
}
