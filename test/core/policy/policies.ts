// Policies as written, for the tests of the parser: a smallest valid one, and ways to change one thing in it.

import type { ParsedPolicy, PolicyProblem } from '../../../core/policy/policy.ts';

/** A valid document with these fields of `spec`. */
export function withSpec(spec: Record<string, unknown>): Record<string, unknown> {
  return {
    apiVersion: 'flyball.dev/v1alpha1',
    kind: 'RateLimitPolicy',
    metadata: { name: 'sample', namespace: 'agents' },
    spec: { limits: [writtenLimit({})], ...spec },
  };
}

/** A valid limit but for `changes`; a field changed to undefined is absent. */
export function writtenLimit(changes: Record<string, unknown>): Record<string, unknown> {
  return { name: 'calls', unit: 'Requests', rates: [{ limit: 5, window: '1m' }], ...changes };
}

/** A document whose only limit is `writtenLimit(changes)`. */
export function withLimit(changes: Record<string, unknown>): Record<string, unknown> {
  return withSpec({ limits: [writtenLimit(changes)] });
}

/** A document whose only rate is valid but for `changes`. */
export function withRate(changes: Record<string, unknown>): Record<string, unknown> {
  return withLimit({ rates: [{ limit: 5, window: '1m', ...changes }] });
}

/** A document whose only limit counts dollars, with this `limit`. */
export function withDollars(limit: unknown, burst?: unknown): Record<string, unknown> {
  return withLimit({ unit: 'USD', rates: [{ limit, burst, window: '1h' }] });
}

/** A document valid but for these fields at the top. */
export function withTop(changes: Record<string, unknown>): Record<string, unknown> {
  return { ...withSpec({}), ...changes };
}

/** The problems of a document; none when it is valid. */
export function problemsOf(parsed: ParsedPolicy | undefined): readonly PolicyProblem[] {
  return parsed?.kind === 'invalid' ? parsed.problems : [];
}

/** `kind` and `path` of its problems, for comparing whole lists. */
export function placesOf(parsed: ParsedPolicy | undefined): string[] {
  return problemsOf(parsed).map(({ path, kind }) => `${kind} ${path}`);
}
