// The settings of a sidecar: one table from which the reader, `--help` and docs/settings.md come.

import { bytes, duration, port, type SettingParser, string } from '../runtime/setting-parsers.ts';
import type { SettingsOf, SettingsTable } from '../runtime/settings.ts';
import { NAME } from './http-proxy/target.ts';
import { parseUpstreamUrl } from './upstream.ts';

/** The ports of design: 15580 for calls, 15582 for probes and metrics. */
export const DEFAULT_PORT = 15_580;
export const DEFAULT_HEALTH_PORT = 15_582;

/** A name that may stand in a base URL. */
function name(): SettingParser<string> {
  return {
    form: 'NAME',
    hint: 'letters, digits, ".", "_" and "-", at most 63, such as code-review',
    secret: false,
    parse: (text) =>
      NAME.test(text)
        ? { kind: 'valid', value: text }
        : { kind: 'invalid', problem: 'is not a name; use letters, digits, ".", "_" and "-", at most 63' },
  };
}

/** Comma-separated names. */
function names(): SettingParser<readonly string[]> {
  const inner = name();
  return {
    ...inner,
    form: 'NAME,...',
    parse: (text) => {
      const list = text.split(',').map((each) => each.trim());
      const wrong = list.find((each) => !NAME.test(each));
      if (wrong === undefined) return { kind: 'valid', value: list };
      return { kind: 'invalid', problem: `holds "${wrong}"; write names of ${inner.hint}` };
    },
  };
}

/** Comma-separated `key=value` pairs. A repeated flag adds to the list. */
function pairs(form: string, example: string): SettingParser<ReadonlyMap<string, string>> {
  return {
    form,
    hint: `one or more, separated by commas or given by repeating the flag, such as ${example}`,
    secret: false,
    parse: (text) => {
      const map = new Map<string, string>();
      for (const pair of text.split(',')) {
        const at = pair.indexOf('=');
        const key = at < 0 ? '' : pair.slice(0, at).trim();
        if (key === '')
          return { kind: 'invalid', problem: `is not of the form ${form}; write for example ${example}` };
        if (map.has(key)) return { kind: 'invalid', problem: `gives ${key} twice` };
        map.set(key, pair.slice(at + 1).trim());
      }
      return { kind: 'valid', value: map };
    },
  };
}

/** Comma-separated `name=URL` pairs. */
function upstreams(): SettingParser<ReadonlyMap<string, URL>> {
  const inner = pairs('NAME=URL', 'mail=http://127.0.0.1:9000');
  return {
    ...inner,
    parse: (text) => {
      const parsed = inner.parse(text);
      if (parsed.kind === 'invalid') return parsed;
      const urls = new Map<string, URL>();
      for (const [key, value] of parsed.value) {
        const url = parseUpstreamUrl(value);
        if (!NAME.test(key))
          return { kind: 'invalid', problem: `names an upstream "${key}" that cannot stand in a path` };
        if (url.kind === 'invalid')
          return { kind: 'invalid', problem: `has for ${key} an address that ${url.problem}` };
        urls.set(key, url.url);
      }
      return { kind: 'valid', value: urls };
    },
  };
}

/** Every setting that a sidecar knows, standalone or not. */
export const SIDECAR_SETTINGS = {
  policies: {
    flag: '--policies',
    env: 'FLYBALL_POLICIES',
    parser: string('PATH'),
    doc: 'A policy file, or a directory of .yaml, .yml and .json files; changes are taken over while running.',
  },
  namespace: {
    flag: '--namespace',
    env: 'FLYBALL_NAMESPACE',
    parser: name(),
    default: 'default',
    doc: 'The tenant that calls belong to.',
  },
  agent: {
    flag: '--agent',
    env: 'FLYBALL_AGENT',
    parser: name(),
    doc: "The agent's name; by default the name of the command.",
  },
  agents: {
    flag: '--agents',
    env: 'FLYBALL_AGENTS',
    parser: names(),
    doc: 'Further agents that the command starts, each with limits of its own at a base URL with its name.',
  },
  user: {
    flag: '--user',
    env: 'FLYBALL_USER',
    parser: string('USER'),
    doc: 'The user of calls that name none.',
  },
  labels: {
    flag: '--label',
    env: 'FLYBALL_LABELS',
    parser: pairs('KEY=VALUE', 'app=code-review'),
    doc: 'Labels of the agent, for the selectors of policies.',
  },
  upstreams: {
    flag: '--upstream',
    env: 'FLYBALL_UPSTREAMS',
    parser: upstreams(),
    doc: 'Services reached at /upstream/NAME/; the names openai and anthropic replace the built-in addresses.',
  },
  prices: {
    flag: '--prices',
    env: 'FLYBALL_PRICES',
    parser: string('FILE'),
    doc: 'A JSON price table that replaces the built-in prices; its shape is in docs/architecture.md.',
  },
  port: {
    flag: '--port',
    env: 'FLYBALL_PORT',
    parser: port(),
    default: String(DEFAULT_PORT),
    doc: 'Port for calls, on 127.0.0.1.',
  },
  healthPort: {
    flag: '--health-port',
    env: 'FLYBALL_HEALTH_PORT',
    parser: port(),
    default: String(DEFAULT_HEALTH_PORT),
    doc: 'Port for /healthz, /readyz and /metrics.',
  },
  decisionLog: {
    flag: '--decision-log',
    env: 'FLYBALL_DECISION_LOG',
    parser: string('FILE'),
    doc: 'Append every decision as a JSON line to this file; `flyball explain --from` reads it.',
  },
  maxBody: {
    flag: '--max-body',
    env: 'FLYBALL_MAX_BODY',
    parser: bytes(1_024, 2 ** 30),
    default: '32MiB',
    doc: 'Largest body of a model call.',
  },
  upstreamTimeout: {
    flag: '--upstream-timeout',
    env: 'FLYBALL_UPSTREAM_TIMEOUT',
    parser: duration(1),
    default: '10m',
    doc: 'Longest wait for the head of an answer.',
  },
  streamTimeout: {
    flag: '--stream-timeout',
    env: 'FLYBALL_STREAM_TIMEOUT',
    parser: duration(1),
    default: '5m',
    doc: 'Longest silence inside an answer.',
  },
  connectTimeout: {
    flag: '--connect-timeout',
    env: 'FLYBALL_CONNECT_TIMEOUT',
    parser: duration(1),
    default: '10s',
    doc: 'Longest wait for a connection to an upstream.',
  },
  requestTimeout: {
    flag: '--request-timeout',
    env: 'FLYBALL_REQUEST_TIMEOUT',
    parser: duration(1_000),
    default: '2m',
    doc: 'Longest time for a whole request to arrive.',
  },
  headersTimeout: {
    flag: '--headers-timeout',
    env: 'FLYBALL_HEADERS_TIMEOUT',
    parser: duration(1_000),
    default: '5s',
    doc: 'Longest time for the headers of a request to arrive.',
  },
  grace: {
    flag: '--grace',
    env: 'FLYBALL_GRACE',
    parser: duration(),
    default: '10s',
    doc: 'Time for open calls to end when the sidecar stops.',
  },
  upstreamCa: {
    flag: '--upstream-ca',
    env: 'FLYBALL_UPSTREAM_CA',
    parser: string('FILE'),
    doc: 'PEM certificates to trust for upstreams.',
  },
} as const satisfies SettingsTable;

export type SidecarSettings = SettingsOf<typeof SIDECAR_SETTINGS>;
