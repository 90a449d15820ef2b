// The id of a decision: 26 characters in the alphabet of ULIDs. The first ten are the wall clock at the start of the
// process, eight are random per process, eight count the decisions: ids of one process sort in the order in which
// they were made, and no call pays for randomness or a clock.

import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_LENGTH = 10;
const PROCESS_LENGTH = 8;
const COUNT_LENGTH = 8;
const ID_LENGTH = TIME_LENGTH + PROCESS_LENGTH + COUNT_LENGTH;
const ID = new RegExp(`^[${ALPHABET}]{${ID_LENGTH}}$`);

/** All pairs of characters, so that the next id is one lookup and one concatenation. */
const PAIRS = Array.from({ length: 1_024 }, (_, index) => encode(index, 2));

const VALUE_OF = new Int8Array(128).fill(-1);
for (let value = 0; value < ALPHABET.length; value += 1) VALUE_OF[ALPHABET.charCodeAt(value)] = value;

export interface DecisionIds {
  /** An id that no earlier call returned and that sorts after all of them. Good for 32^8 decisions. */
  next(): string;
}

/** `wallMs`: when this process started. `processPart`: a whole number below 2^40, random unless a test says so. */
export function createDecisionIds(
  wallMs: number,
  processPart: number = randomBytes(5).readUIntBE(0, 5),
): DecisionIds {
  const start = encode(wallMs, TIME_LENGTH) + encode(processPart, PROCESS_LENGTH);
  let count = 0;
  let prefix = '';
  return {
    next() {
      const low = count % PAIRS.length;
      if (low === 0) prefix = start + encode(Math.floor(count / PAIRS.length), COUNT_LENGTH - 2);
      count += 1;
      return prefix + PAIRS[low];
    },
  };
}

/** Whether a text could be a decision id. */
export function isDecisionId(text: string): boolean {
  return ID.test(text);
}

/** How many decisions its process had made before this one. Only for ids: of other text it returns any number. */
export function toSequence(id: string): number {
  let sequence = 0;
  for (let index = ID_LENGTH - COUNT_LENGTH; index < ID_LENGTH; index += 1) {
    sequence = sequence * 32 + (VALUE_OF[id.charCodeAt(index)] ?? 0);
  }
  return sequence;
}

function encode(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32))
    text = (ALPHABET[rest % 32] ?? '') + text;
  return text;
}
