// The services behind the sidecar: by name, where they are and which protocol they speak.

import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { Problem } from '../runtime/problem.ts';
import type { Protocol } from './protocol/protocol.ts';

/** One service that calls are forwarded to. */
export type Upstream = {
  readonly name: string;
  readonly protocol: Protocol;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path that requests are appended to, without a slash at its end. */
  readonly basePath: string;
  readonly dispatcher: Dispatcher;
};

/** How long an upstream may take. */
export type UpstreamTimeouts = {
  readonly connectMs: number;
  /** From the request sent to the head of the answer. */
  readonly headersMs: number;
  /** Between two pieces of the answer. */
  readonly bodyMs: number;
};

/** What is needed to reach upstreams. */
export type UpstreamOptions = {
  readonly timeouts: UpstreamTimeouts;
  /** A file of PEM certificates to trust beside the system's; undefined = none. */
  readonly caFile: string | undefined;
  /** Honour HTTP_PROXY, HTTPS_PROXY and NO_PROXY of our own environment. */
  readonly useEnvProxy: boolean;
};

/** Sockets kept to one upstream at most. */
const MAX_CONNECTIONS = 1_024;

/** Largest head of an answer accepted, in bytes. */
const MAX_HEAD_BYTES = 32 * 1_024;

/** Opens the way to a service. `url` must be http or https, without credentials, query or fragment. */
export function createUpstream(
  name: string,
  url: URL,
  protocol: Protocol,
  options: UpstreamOptions,
): Upstream {
  const { timeouts, caFile, useEnvProxy } = options;
  const tls = caFile === undefined ? {} : { ca: trustedWith(caFile) };
  const settings = {
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    maxHeaderSize: MAX_HEAD_BYTES,
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    connect: { timeout: timeouts.connectMs, ...tls },
  };
  const dispatcher = useEnvProxy
    ? new EnvHttpProxyAgent({ ...settings, requestTls: tls })
    : new Pool(url.origin, settings);
  return { name, protocol, origin: url.origin, basePath: url.pathname.replace(/\/+$/, ''), dispatcher };
}

/** The system's certificates and those of a file: naming a private one must not distrust all others. */
function trustedWith(caFile: string): string[] {
  try {
    return [...getCACertificates('default'), readFileSync(caFile, 'utf8')];
  } catch (error) {
    throw new Problem('INVALID', `the certificates ${caFile} cannot be read`, error);
  }
}

/** Reads the address of an upstream; a sentence that names the fix when it is none. */
export function parseUpstreamUrl(
  text: string,
): { kind: 'valid'; url: URL } | { kind: 'invalid'; problem: string } {
  const url = URL.parse(text);
  if (url === null)
    return { kind: 'invalid', problem: 'is not a URL: write for example https://tools.example.com/api' };
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return { kind: 'invalid', problem: 'must begin with http:// or https://' };
  if (url.username !== '' || url.password !== '')
    return { kind: 'invalid', problem: 'must not hold a user name or password' };
  if (url.search !== '' || url.hash !== '')
    return { kind: 'invalid', problem: 'must not hold a query or a fragment' };
  return { kind: 'valid', url };
}
