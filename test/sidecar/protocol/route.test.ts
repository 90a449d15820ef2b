import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropic } from '../../../sidecar/protocol/anthropic/protocol.ts';
import { http } from '../../../sidecar/protocol/http/protocol.ts';
import { openai } from '../../../sidecar/protocol/openai/protocol.ts';
import type { Protocol, Route } from '../../../sidecar/protocol/protocol.ts';

const METERED: Route = { kind: 'metered' };
const FREE: Route = { kind: 'free' };
const PAID: Route = { kind: 'unparsed', paid: true };

const OPENAI: readonly (readonly [method: string, path: string, route: Route])[] = [
  ['POST', '/v1/chat/completions', METERED],
  ['POST', '/chat/completions', METERED],
  ['GET', '/v1/chat/completions', FREE],
  ['GET', '/v1/models', FREE],
  ['HEAD', '/v1/models', FREE],
  ['OPTIONS', '/v1/chat/completions', FREE],
  ['DELETE', '/v1/files/file-1', FREE],
  ['GET', '/v1/responses/resp_1', FREE],
  ['POST', '/v1/files', FREE],
  ['POST', '/v1/uploads', FREE],
  ['POST', '/v1/uploads/upload_1/parts', FREE],
  ['POST', '/v1/batches/batch_1/cancel', FREE],
  ['POST', '/v1/responses/resp_1/cancel', FREE],
  ['POST', '/v1/responses/input_tokens', FREE],
  ['POST', '/v1/chat/completions/chatcmpl-1', FREE],
  ['POST', '/v1/fine_tuning/jobs/job-1/cancel', FREE],
  ['POST', '/v1/moderations', FREE],
  ['POST', '/v1/fine_tuning/jobs', PAID],
  ['POST', '/v1/fine_tuning/jobs/job-1/resume', PAID],
  ['POST', '/v1/responses', PAID],
  ['POST', '/v1/embeddings', PAID],
  ['POST', '/v1/completions', PAID],
  ['POST', '/v1/images/generations', PAID],
  ['POST', '/v1/audio/speech', PAID],
  ['POST', '/v1/batches', PAID],
  ['POST', '/v1/threads/runs', PAID],
  ['POST', '/v1/vector_stores/vs_1/search', PAID],
  ['GET', '/v1/realtime', PAID],
  ['GET', '/v1/responses', PAID],
  ['PUT', '/v1/files', PAID],
  ['PATCH', '/v1/chat/completions', PAID],
  ['get', '/v1/models', PAID],
  ['TRACE', '/v1/models', PAID],
];

const ANTHROPIC: typeof OPENAI = [
  ['POST', '/v1/messages', METERED],
  ['POST', '/messages', METERED],
  ['POST', '/v1/messages/count_tokens', FREE],
  ['POST', '/messages/count_tokens', FREE],
  ['POST', '/v1/messages/batches/msgbatch_1/cancel', FREE],
  ['POST', '/v1/files', FREE],
  ['GET', '/v1/models', FREE],
  ['GET', '/v1/messages/batches/msgbatch_1/results', FREE],
  ['DELETE', '/v1/files/file_1', FREE],
  ['POST', '/v1/messages/batches', PAID],
  ['POST', '/v1/complete', PAID],
  ['POST', '/v1/sessions/s/events', PAID],
  ['PUT', '/v1/messages', PAID],
];

/** Spellings that a server may read as a metered path, or as one that costs, and that we must not take for free. */
const TRICKS = [
  '/v1/chat/completions/',
  '/v1//chat/completions',
  '/V1/Chat/Completions',
  '/v1/chat%2Fcompletions',
  '/v1/files/../chat/completions',
  '/v1/batches/../../v1/responses/x/cancel',
  '/v1/batches/%2e%2e/cancel',
  '/v1/batches/a/b/cancel',
  '/v1/files/',
  '/v1/files;x',
  '/v1/uploads/../parts',
  '/v1/messages/../complete',
  '/v1/messages/batches/../cancel',
  'v1/files',
  '',
];

describe.each<[Protocol, typeof OPENAI]>([
  [openai, OPENAI],
  [anthropic, ANTHROPIC],
])('a route of $name', (protocol, table) => {
  it.each(table)('%s %s', (method, path, expected) => {
    expect(protocol.route(method, path)).toEqual(expected);
  });

  it.each(TRICKS)('is never free for a POST to %s', (path) => {
    expect(protocol.route('POST', path)).toEqual(PAID);
  });

  it('is paid for any other POST, PUT or PATCH', () => {
    const known = new Set(table.filter(([, , route]) => route !== PAID).map(([, path]) => path));
    fc.assert(
      fc.property(fc.constantFrom('POST', 'PUT', 'PATCH'), fc.webPath(), (method, path) => {
        fc.pre(!known.has(path));
        expect(protocol.route(method, path)).toEqual(PAID);
      }),
    );
  });
});

describe('a route of any other service', () => {
  it('is a plain call that costs no tokens', () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect(http.route(method, '/send_email')).toEqual({ kind: 'unparsed', paid: false });
    }
  });

  it.each([
    '/v1/chat/completions',
    '/openai/deployments/x/Chat/Completions/',
    '/v1/messages',
    '/v1/responses',
    '/v1/embeddings',
    '/v1/audio/speech',
  ])('is paid where it ends like a call of a model API: %s', (path) => {
    expect(http.route('POST', path)).toEqual(PAID);
    expect(http.route('GET', path)).toEqual({ kind: 'unparsed', paid: false });
  });
});
