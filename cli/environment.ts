// The environment of a governed command: base URLs point at the sidecar, whatever pointed elsewhere becomes upstream.

import { parseUpstreamUrl } from '../sidecar/upstream.ts';

/** The variables that SDKs read a provider's base URL from, the one that wins first. */
const BASE_URL_VARIABLES = {
  openai: ['OPENAI_BASE_URL', 'OPENAI_API_BASE'],
  anthropic: ['ANTHROPIC_BASE_URL'],
} as const;

/** Hosts that a proxy of the environment must not be asked for. */
const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

export type OwnUpstreams =
  | { readonly kind: 'found'; readonly urls: ReadonlyMap<string, URL> }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/**
 * The base URLs that the environment already sets, by provider: they stay the upstreams, so that prompts and keys go
 * to no other host than before.
 */
export function ownUpstreams(env: NodeJS.ProcessEnv): OwnUpstreams {
  const urls = new Map<string, URL>();
  const problems: string[] = [];
  for (const [provider, names] of Object.entries(BASE_URL_VARIABLES)) {
    const found = baseUrlOf(env, names);
    if (found.kind === 'invalid') problems.push(found.problem);
    else if (found.kind === 'valid')
      urls.set(provider, provider === 'anthropic' ? withoutVersion(found.url) : found.url);
  }
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'found', urls };
}

type BaseUrl =
  | { readonly kind: 'valid'; readonly url: URL }
  | { readonly kind: 'invalid'; readonly problem: string }
  | { readonly kind: 'unset' };

function baseUrlOf(env: NodeJS.ProcessEnv, names: readonly string[]): BaseUrl {
  const set = names.filter((name) => (env[name] ?? '') !== '');
  const [name] = set;
  if (name === undefined) return { kind: 'unset' };
  if (new Set(set.map((each) => trimmed(env[each] ?? ''))).size > 1) {
    return { kind: 'invalid', problem: `${set.join(' and ')} name different addresses; unset one of them` };
  }
  const parsed = parseUpstreamUrl(env[name] ?? '');
  return parsed.kind === 'valid' ? parsed : { kind: 'invalid', problem: `${name} ${parsed.problem}` };
}

/** The environment for the command: its own, with base URLs at the sidecar and loopback kept from any proxy. */
export function governedEnvironment(env: NodeJS.ProcessEnv, port: number, agent: string): NodeJS.ProcessEnv {
  const base = `http://127.0.0.1:${port}/@${agent}`;
  return {
    ...env,
    OPENAI_BASE_URL: `${base}/openai/v1`,
    OPENAI_API_BASE: `${base}/openai/v1`,
    ANTHROPIC_BASE_URL: `${base}/anthropic`,
    FLYBALL_URL: base,
    NO_PROXY: withLoopback(env.NO_PROXY),
    no_proxy: withLoopback(env.no_proxy),
  };
}

/** SDKs append /v1/messages; some write the version into the base URL themselves. */
function withoutVersion(url: URL): URL {
  return new URL(trimmed(url.href).replace(/\/v1$/, ''));
}

function trimmed(text: string): string {
  return text.replace(/\/+$/, '');
}

function withLoopback(list: string | undefined): string {
  const hosts = (list ?? '').split(',').filter((host) => host.trim() !== '');
  return [...hosts, ...LOOPBACK.filter((host) => !hosts.includes(host))].join(',');
}
