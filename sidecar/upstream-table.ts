// All upstreams of a sidecar: the providers, and what the user named.

import { Problem } from '../runtime/problem.ts';
import { anthropic } from './protocol/anthropic/protocol.ts';
import { http } from './protocol/http/protocol.ts';
import { openai } from './protocol/openai/protocol.ts';
import type { Protocol } from './protocol/protocol.ts';
import type { SidecarSettings } from './settings.ts';
import { createUpstream, type Upstream } from './upstream.ts';

/** Addresses of the providers, by the name under which their protocol is spoken. */
export const PROVIDER_URLS: ReadonlyMap<string, URL> = new Map([
  ['openai', new URL('https://api.openai.com/v1')],
  ['anthropic', new URL('https://api.anthropic.com')],
]);

const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map([
  ['openai', openai],
  ['anthropic', anthropic],
]);

/** The upstreams and how to let go of them. */
export type UpstreamTable = {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  close(): Promise<void>;
};

/**
 * Opens every upstream; those of the settings replace `builtIn` ones of the same name. Throws a Problem (INVALID) when a
 * provider is given a name under which its calls would not be read, or when the certificates cannot be read.
 */
export function openUpstreams(settings: SidecarSettings, builtIn: ReadonlyMap<string, URL>): UpstreamTable {
  const upstreams = new Map<string, Upstream>();
  const options = {
    timeouts: {
      connectMs: settings.connectTimeout,
      headersMs: settings.upstreamTimeout,
      bodyMs: settings.streamTimeout,
    },
    caFile: settings.upstreamCa,
    useEnvProxy: hasProxyVariable(process.env),
  };
  for (const [name, url] of [...builtIn, ...(settings.upstreams ?? [])]) {
    refuseDisguise(name, url);
    upstreams.set(name, createUpstream(name, url, PROTOCOLS.get(name) ?? http, options));
  }
  return {
    upstreams,
    close: async () => {
      await Promise.all([...upstreams.values()].map(({ dispatcher }) => dispatcher.destroy()));
    },
  };
}

/** A provider under another name would be a plain HTTP service, whose tokens nobody counts. */
function refuseDisguise(name: string, url: URL): void {
  for (const [provider, { hostname }] of PROVIDER_URLS) {
    if (url.hostname !== hostname || name === provider) continue;
    throw new Problem(
      'INVALID',
      `the upstream ${name} is ${hostname}: name it ${provider}, so that its tokens are counted`,
    );
  }
}

function hasProxyVariable(env: NodeJS.ProcessEnv): boolean {
  return ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].some((name) => (env[name] ?? '') !== '');
}
