// FNV-1a (Fowler, Noll, Vo), 32 bits: a small hash that is the same in every process and every run.

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/**
 * The 32-bit FNV-1a hash of a text, as a whole number in [0, 2^32).
 *
 * ASCII text hashes as in the published test vectors; a character above 255 contributes both bytes of its UTF-16 unit,
 * low byte first. For spreading and stable choices only: it resists no attacker.
 */
export function hashString(text: string): number {
  let hash = OFFSET_BASIS;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), PRIME);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), PRIME);
  }
  return hash >>> 0;
}
