// What the routes of all protocols have in common.

import type { Route } from './protocol.ts';

export const METERED: Route = { kind: 'metered' };
export const FREE: Route = { kind: 'free' };

/** May cost tokens or dollars that we cannot read. */
export const PAID: Route = { kind: 'unparsed', paid: true };

/** Methods that read or delete what is there. */
export const FREE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);
