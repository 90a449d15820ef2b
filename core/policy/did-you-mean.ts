// The nearest known word to a mistyped one, for messages.

/**
 * The candidate nearest to `word` by Damerau-Levenshtein distance (adjacent transpositions count one), ignoring case,
 * `-` and `_`; undefined when none is within a third of the longer word (at least one edit) or `maxEdits`.
 * Ties go to the earlier candidate. Words of very different lengths are not compared, so a huge word costs little.
 */
export function didYouMean(
  word: string,
  candidates: readonly string[],
  maxEdits = Number.POSITIVE_INFINITY,
): string | undefined {
  const folded = fold(word);
  let nearest: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const other = fold(candidate);
    const allowed = Math.min(maxEdits, Math.max(1, Math.floor(Math.max(folded.length, other.length) / 3)));
    if (Math.abs(folded.length - other.length) > allowed) continue;
    const edits = editDistance(folded, other);
    if (edits <= allowed && edits < fewest) {
      nearest = candidate;
      fewest = edits;
    }
  }
  return nearest;
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '');
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`, no part edited twice
 * (the restricted Damerau-Levenshtein distance), in `a.length * b.length` steps.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = cell(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swap = isSwap(a, b, row, column) ? cell(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(substitution, swap, cell(last, column) + 1, cell(current, column - 1) + 1));
    }
    beforeLast = last;
    last = current;
  }
  return cell(last, b.length);
}

function isSwap(a: string, b: string, row: number, column: number): boolean {
  return row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
