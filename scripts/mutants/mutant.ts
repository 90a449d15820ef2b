// A planted fault: one exact replacement in one file, which some test must notice.

/** `find` must stand in the file exactly once; `tests` are the files that should notice, the likeliest first. */
export type Mutant = {
  /** Short and stable: `--only` takes it. */
  readonly id: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** What goes wrong for users. */
  readonly fault: string;
  readonly tests: readonly string[];
};
