// What a benchmark prints: a table for people, and one line per ratio for whoever compares runs.

/** Prints rows under headings, first column left, the others right. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  for (const row of [headings, ...rows]) {
    const cells = row.map((cell, at) =>
      at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0),
    );
    console.log(cells.join('  '));
  }
}

/** Prints `ratio <name> <value>`: the form that is compared between runs. */
export function printRatio(name: string, value: number): void {
  console.log(`ratio ${name} ${value.toFixed(2)}`);
}
