// A signal has a size limit that holds whatever the names in policies are. Instead of cutting finished text, the
// refusal itself is made smaller until what is made of it fits, so that every part of a signal tells the same story.

import type { PolicyName, Refusal, Violation } from '../refusal.ts';

/** How much of a refusal is shown. */
type Shape = { readonly violations: number; readonly nameLength: number };

/** Most violations that any signal lists. */
export const MAX_VIOLATIONS = 8;

const MAX_DETAIL_LENGTH = 200;

/** From the most to the least: fewer violations first, then shorter names. */
const SHAPES: readonly [Shape, ...Shape[]] = [
  { violations: MAX_VIOLATIONS, nameLength: 253 },
  { violations: 4, nameLength: 253 },
  { violations: 2, nameLength: 253 },
  { violations: 1, nameLength: 253 },
  { violations: 1, nameLength: 63 },
  { violations: 1, nameLength: 32 },
  { violations: 1, nameLength: 12 },
];

/**
 * Makes something of the refusal, showing as much of it as `fits` allows. When even the smallest shape does not fit,
 * that one is returned: `make` must keep what it adds within bounds of its own.
 *
 * Names and detail reach `make` as printable ASCII, so the length of its text is its size in bytes.
 */
export function fitRefusal<T>(refusal: Refusal, make: (fitted: Refusal) => T, fits: (made: T) => boolean): T {
  let made = make(shapeRefusal(refusal, SHAPES[0]));
  for (const shape of SHAPES.slice(1)) {
    if (fits(made)) return made;
    made = make(shapeRefusal(refusal, shape));
  }
  return made;
}

function shapeRefusal(refusal: Refusal, shape: Shape): Refusal {
  const { policy } = refusal;
  return {
    ...refusal,
    ...(policy === undefined ? {} : { policy: shapePolicy(policy, shape.nameLength) }),
    detail: toPlain(refusal.detail, MAX_DETAIL_LENGTH),
    violations: refusal.violations
      .slice(0, shape.violations)
      .map((violation) => shapeViolation(violation, shape.nameLength)),
  };
}

function shapeViolation(violation: Violation, nameLength: number): Violation {
  return {
    ...violation,
    policy: shapePolicy(violation.policy, nameLength),
    limit: toPlain(violation.limit, nameLength),
  };
}

function shapePolicy({ namespace, name, revision }: PolicyName, nameLength: number): PolicyName {
  return { namespace: toPlain(namespace, nameLength), name: toPlain(name, nameLength), revision };
}

/** Printable ASCII of at most maxLength characters; anything else becomes `?`, a cut text ends in `~`. */
function toPlain(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength - 1)}~` : text;
  return cut.replace(/[^\x20-\x7e]/g, '?');
}
