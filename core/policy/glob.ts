// Globs of policies: `*` is any run of characters, `?` is one character, everything else is itself. No regex anywhere.

/**
 * Whether the whole of `text` matches `glob`, case-sensitively. A character is a UTF-16 code unit.
 *
 * Takes at most `glob.length * text.length` steps and no memory: on a mismatch only the last `*` can take one more
 * character, because letting an earlier one take more never matches a text that this does not (a parsed glob has at
 * most 128 characters, so the time is linear in the text).
 */
export function matchesGlob(glob: string, text: string): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (position < text.length) {
    const wanted = glob[at];
    if (wanted === '*') {
      star = at++;
      resume = position;
    } else if (wanted === '?' || (wanted !== undefined && wanted === text[position])) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++resume;
    } else {
      return false;
    }
  }
  while (glob[at] === '*') at++;
  return at === glob.length;
}
