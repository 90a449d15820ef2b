// Where policies come from: the port, and what one reading of it yields.

import type { Policy, PolicyProblem } from '../core/policy/policy.ts';

/** A problem in one document of a source. */
export type SourceProblem = PolicyProblem & {
  /** File as given by the user, with `:line` where that is known. */
  readonly where: string;
};

/** One reading of a source: all of its policies, or everything that is wrong with them. */
export type PolicyLoad =
  | { readonly kind: 'loaded'; readonly policies: readonly Policy[]; readonly warnings: readonly string[] }
  | { readonly kind: 'broken'; readonly problems: readonly SourceProblem[] };

/** A source of policies: a directory here, the control plane later. */
export interface PolicySource {
  /** Reads everything now. Never rejects: what cannot be read is a problem of the load. */
  load(): Promise<PolicyLoad>;
  /** Calls `changed` with a new load whenever the source has changed since the last load. */
  watch(changed: (load: PolicyLoad) => void): void;
  close(): void;
}
