// The sidecar's own endpoints: what an agent may ask about itself.

import type { ServerResponse } from 'node:http';
import type { Refusal } from '../../core/refusal.ts';
import { cleanId } from '../identity.ts';
import type { ViewQuery } from '../limits-view.ts';
import { firstValue } from './header-pass.ts';
import { unknownRoute } from './refusals.ts';
import type { Messages } from './request-body.ts';

/** What the endpoints answer from. */
export interface OwnRoutes {
  /** The limits of one agent, as JSON-ready data. `user` and `session` narrow to their keys. */
  limits(query: ViewQuery): unknown;
  /** One decision of the last 10,000; undefined when it is not among them. */
  decision(id: string): unknown;
}

const DECISIONS = '/v1/decisions/';
const UNKNOWN_DECISION = 'No decision of this id is remembered; older ones are in the decision log.';
const KNOWN_PATHS =
  'Known paths: /openai/v1/..., /anthropic/..., /upstream/NAME/..., /v1/limits, /v1/decisions/ID.';

/** Answers `GET /v1/limits` and `GET /v1/decisions/<id>`; refuses everything else. */
export function answerOwn(
  own: OwnRoutes,
  messages: Messages,
  target: { readonly agent: string | undefined; readonly path: string },
  refuse: (reason: Refusal) => void,
): void {
  const { request, response } = messages;
  const { path } = target;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuse(unknownRoute(KNOWN_PATHS));
    return;
  }
  if (path === '/v1/limits') {
    const user = cleanId(firstValue(request.headers['flyball-user']));
    const session = firstValue(request.headers['flyball-session']);
    sendJson(response, 200, own.limits({ agent: target.agent, user, session }));
    return;
  }
  if (!path.startsWith(DECISIONS)) {
    refuse(unknownRoute(KNOWN_PATHS));
    return;
  }
  // Asking is no call: what is not remembered is told without a decision of its own.
  const decision = own.decision(path.slice(DECISIONS.length));
  if (decision !== undefined) sendJson(response, 200, decision);
  else sendJson(response, 404, { title: 'Not Found', status: 404, detail: UNKNOWN_DECISION });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}
