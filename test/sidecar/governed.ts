// A real sidecar in front of a mock provider, both in this process and on free ports.

import { parseAllDocuments } from 'yaml';
import type { Warning } from '../../core/decide.ts';
import { parsePolicies } from '../../core/policy/parse.ts';
import type { Policy } from '../../core/policy/policy.ts';
import { createProvider, type Provider, type ProviderOptions } from '../../examples/provider/provider.ts';
import type { Log } from '../../runtime/log.ts';
import type { PolicyLoad, PolicySource } from '../../sidecar/policy-source.ts';
import type { SidecarSettings } from '../../sidecar/settings.ts';
import { type Sidecar, type SidecarParts, startSidecar } from '../../sidecar/sidecar.ts';
import { defaultSettings, WORKLOAD } from './defaults.ts';

export type GovernedOptions = {
  /** Policies as YAML documents, see `policyOf`; or where they come from. */
  readonly policies: string | PolicySource;
  /** Told as the parts of a sidecar are. */
  readonly policiesChanged?: SidecarParts['policiesChanged'];
  readonly provider?: ProviderOptions;
  readonly settings?: Partial<SidecarSettings>;
  /** Upstreams beside openai and anthropic, relative to the provider: `{ mail: '/tools' }`. */
  readonly upstreams?: Readonly<Record<string, string>>;
};

export type Governed = {
  readonly provider: Provider;
  readonly sidecar: Sidecar;
  /** `http://127.0.0.1:PORT` of the sidecar. */
  readonly url: string;
  readonly openaiBaseUrl: string;
  readonly anthropicBaseUrl: string;
  /** Every warning so far, oldest first. */
  readonly warnings: readonly Warning[];
  /** Takes over other policies, as a changed directory would; only where they were given as text. */
  change(policies: string): void;
  /** The metrics as text. */
  metrics(): Promise<string>;
  close(): Promise<void>;
};

/** An upstream that nobody listens at: port 1. */
export const DEAD_UPSTREAM = new URL('http://127.0.0.1:1/');

/** One policy named `test` with these limits, each in YAML flow style, and what else stands in its spec. */
export function policyOf(limits: readonly string[], rest = ''): string {
  return `apiVersion: flyball.dev/v1alpha1\nkind: RateLimitPolicy\nmetadata: {name: test}\nspec:\n  limits:\n${limits.map((limit) => `  - ${limit}\n`).join('')}${rest}`;
}

/** Starts both. */
export async function startGoverned(options: GovernedOptions): Promise<Governed> {
  const provider = await createProvider(options.provider ?? {});
  const given = options.policies;
  const text = createSource(typeof given === 'string' ? given : '');
  const warnings: Warning[] = [];
  const named = Object.entries(options.upstreams ?? {}).map(
    ([name, path]) => [name, new URL(provider.url + path)] as const,
  );
  const sidecar = await startSidecar(
    { ...defaultSettings(), port: 0, healthPort: 0, grace: 2_000, ...options.settings },
    {
      source: typeof given === 'string' ? text : given,
      workload: WORKLOAD,
      healthHost: '127.0.0.1',
      log: SILENT,
      upstreams: new Map([
        ['openai', new URL(provider.openaiBaseUrl)],
        ['anthropic', new URL(provider.anthropicBaseUrl)],
        ...named,
      ]),
      limitWarned: (warning) => warnings.push(warning),
      policiesChanged: options.policiesChanged ?? (() => undefined),
    },
  ).catch(async (error: unknown) => {
    await provider.close();
    throw error;
  });
  const url = `http://127.0.0.1:${sidecar.port}`;
  return {
    provider,
    sidecar,
    url,
    openaiBaseUrl: `${url}/openai/v1`,
    anthropicBaseUrl: `${url}/anthropic`,
    warnings,
    change: (policies) => text.set(policies),
    metrics: async () => (await fetch(`http://127.0.0.1:${sidecar.healthPort}/metrics`)).text(),
    close: async () => {
      await sidecar.close();
      await provider.close();
    },
  };
}

const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function createSource(policies: string): PolicySource & { set(policies: string): void } {
  let changed: (load: PolicyLoad) => void = () => undefined;
  return {
    load: async () => loadOf(policies),
    watch: (callback) => {
      changed = callback;
    },
    set: (next) => changed(loadOf(next)),
    close: () => undefined,
  };
}

function loadOf(text: string): PolicyLoad {
  const documents = parseAllDocuments(text);
  const parsed = parsePolicies(
    (Array.isArray(documents) ? documents : []).map((document): unknown => document.toJS()),
  );
  const policies: Policy[] = [];
  for (const each of parsed) {
    if (each.kind === 'invalid')
      throw new Error(each.problems.map(({ path, message }) => `${path} ${message}`).join('\n'));
    policies.push(each.policy);
  }
  return { kind: 'loaded', policies, warnings: [] };
}
