// Which upstream a request path names. The path is read strictly: whatever two parties could read in two ways is
// refused, because a limit or a restriction that is matched on one reading would be passed by the other.

import { UNKNOWN } from '../../core/call.ts';

/** Where a request wants to go. */
export type Target =
  /** `path` is the path at the provider without query (`/v1/chat/completions`), `pathAndQuery` what is appended to the upstream's base. */
  | {
      readonly kind: 'upstream';
      readonly agent: string | undefined;
      readonly upstream: string;
      readonly path: string;
      readonly pathAndQuery: string;
    }
  /** One of our own endpoints: `path` is what follows the agent, for example `/v1/limits`. */
  | { readonly kind: 'own'; readonly agent: string | undefined; readonly path: string }
  /** One sentence for the caller. */
  | { readonly kind: 'invalid'; readonly problem: string };

/** A request to an upstream. */
export type UpstreamTarget = Extract<Target, { kind: 'upstream' }>;

/** A name that may stand in a base URL: of an agent or an upstream. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/**
 * Slashes, backslashes, percent signs, controls and whatever never needs to be encoded (letters, digits, `-._~`), in an
 * encoded form: no honest client sends them, and servers disagree.
 */
const DISGUISED = /%(?:2[5def]|3\d|[46][1-9a-f]|5[0-9acf]|7[0-9aef]|[01][0-9a-f])/i;
const PLAIN_PATH = /^\/[\x21-\x7e]*$/;

/** Longest request target read, in bytes. */
const MAX_TARGET_BYTES = 8_192;

/**
 * Reads a request target: `/[@agent/]openai/v1/…`, `/[@agent/]anthropic/[v1/]…`, `/[@agent/]upstream/<name>/…`, or one
 * of our own paths below `/v1/`.
 */
export function parseTarget(url: string): Target {
  if (url.length > MAX_TARGET_BYTES) return invalid(`The path is longer than ${MAX_TARGET_BYTES} bytes.`);
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = queryAt < 0 ? '' : url.slice(queryAt);
  const problem = problemOf(path);
  if (problem !== undefined) return invalid(problem);
  const agent = path.startsWith('/@') ? path.slice(2, endOfSegment(path, 2)) : undefined;
  if (agent !== undefined && !NAME.test(agent)) {
    return invalid(
      'The agent name in the path is not a name: use letters, digits, ".", "_" and "-", at most 63.',
    );
  }
  const rest = agent === undefined ? path : path.slice(agent.length + 2);
  return routeOf(rest, query, agent);
}

function routeOf(rest: string, query: string, agent: string | undefined): Target {
  if (rest.startsWith('/openai/v1/')) {
    const below = rest.slice('/openai/v1'.length);
    return { kind: 'upstream', agent, upstream: 'openai', path: `/v1${below}`, pathAndQuery: below + query };
  }
  if (rest.startsWith('/anthropic/')) {
    const below = rest.slice('/anthropic'.length);
    // Older clients leave the version out; the provider wants it.
    const path = below.startsWith('/v1/') ? below : `/v1${below}`;
    return { kind: 'upstream', agent, upstream: 'anthropic', path, pathAndQuery: path + query };
  }
  if (rest.startsWith('/upstream/')) return namedUpstream(rest, query, agent);
  return { kind: 'own', agent, path: rest };
}

function namedUpstream(rest: string, query: string, agent: string | undefined): Target {
  const nameEnd = endOfSegment(rest, '/upstream/'.length);
  const upstream = rest.slice('/upstream/'.length, nameEnd);
  if (!NAME.test(upstream)) return invalid('The upstream name in the path is missing or not a name.');
  const path = nameEnd === rest.length ? '/' : rest.slice(nameEnd);
  return { kind: 'upstream', agent, upstream, path, pathAndQuery: path + query };
}

function problemOf(path: string): string | undefined {
  if (!PLAIN_PATH.test(path)) return 'The path must begin with "/" and hold printable ASCII only.';
  if (path.includes('\\') || path.includes('#')) return 'The path must not hold "\\" or "#".';
  if (path.includes('//')) return 'The path must not hold empty segments ("//").';
  if (/\/\.\.?(?:[;/]|$)/.test(path)) return 'The path must not hold "." or ".." segments.';
  if (DISGUISED.test(path))
    return 'The path must not hold encoded letters, digits, "-._~", slashes, percent signs or control characters.';
  return undefined;
}

function endOfSegment(path: string, from: number): number {
  const slash = path.indexOf('/', from);
  return slash < 0 ? path.length : slash;
}

function invalid(problem: string): Target {
  return { kind: 'invalid', problem };
}

/** Longest tool name kept, in characters; a longer segment is cut, and so limited under the cut name. */
const MAX_TOOL_NAME = 128;

/** Segments looked at for tool names. Paths with more are refused by the caller of `toolNamesOf`. */
export const MAX_SEGMENTS = 64;

/**
 * The names under which an HTTP call could be known as a tool: its decoded path segments, the first one first, each
 * also without its parameters (`search;v=1` is `search` to some servers); UNKNOWN for the root.
 * Undefined when a segment cannot be decoded or there are too many.
 */
export function toolNamesOf(path: string): string[] | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.length > MAX_SEGMENTS) return undefined;
  if (segments.length === 0) return [UNKNOWN];
  try {
    return segments.flatMap(namesOf);
  } catch {
    // A malformed escape: decodeURIComponent has no other way to say so.
    return undefined;
  }
}

/** Throws on a malformed escape. */
function namesOf(segment: string): string[] {
  // In one spelling: `Search` and `search` are one tool to some servers, and must not have two buckets.
  const name = decodeURIComponent(segment).trim().toLowerCase().slice(0, MAX_TOOL_NAME);
  const semicolon = name.indexOf(';');
  return semicolon < 0 ? [name] : [name.slice(0, semicolon), name];
}

/** A path as a lenient server might read it: in any case, without parameters, without a slash at its end. */
export function lenientPath(path: string): string {
  return path
    .toLowerCase()
    .replaceAll(/;[^/]*/g, '')
    .replace(/\/+$/, '');
}
