// Text of others, made fit for a log line, a label or a message: one line, no control characters, bounded.

const PLAIN = /^[\x20-\x7e]*$/;

/** Control, format (bidirectional overrides too), line and paragraph separators, halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * The text without unprintable characters, at most `maxLength` UTF-16 units long and cut between characters; what was
 * cut ends in `…`. Text that is fine is returned as it is, without a copy.
 */
export function toPrintable(text: string, maxLength: number): string {
  if (text.length <= maxLength && PLAIN.test(text)) return text;
  // Bounds the work on hostile input; unprintable characters may make the result shorter than it could be.
  const clean = text.slice(0, 4 * maxLength).replace(UNPRINTABLE, '');
  return clean.length <= maxLength ? clean : `${cut(clean, maxLength - 1)}…`;
}

function cut(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splitsPair ? length - 1 : length);
}
