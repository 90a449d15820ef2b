// An object of which a few members matter.

import type { KeyTable } from './json-keys.ts';
import type { JsonScan } from './json-scan.ts';

const OPEN_OBJECT = 0x7b;

/**
 * Takes an object and hands each member that the table names to `read`, which must take its value; steps over all
 * others. A name that is given twice is a problem: parsers disagree about which one counts.
 */
export function readFields<Name extends string>(
  scan: JsonScan,
  keys: KeyTable<Name>,
  read: (name: Name) => void,
): void {
  let seen = 0;
  scan.enterObject();
  while (scan.nextKey()) {
    const index = scan.keyIn(keys);
    const name = index < 0 ? undefined : keys.names[index];
    if (name === undefined) {
      scan.skip();
    } else if ((seen & (1 << index)) === 0) {
      seen |= 1 << index;
      read(name);
    } else {
      scan.fail(`${name} is given twice`);
    }
  }
}

/** The same where an object comes next; any other value is stepped over. */
export function readFieldsIfObject<Name extends string>(
  scan: JsonScan,
  keys: KeyTable<Name>,
  read: (name: Name) => void,
): void {
  if (scan.peek() === OPEN_OBJECT) readFields(scan, keys, read);
  else scan.skip();
}
