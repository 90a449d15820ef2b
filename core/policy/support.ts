// What the language has and this version does not enforce yet. It is refused, never accepted and ignored.

import { type Finding, isMap, listOf, type Path } from './finding.ts';

/** `refused`: the values that are not enforced, or `any` when the field itself is not. `instead`: what to do now. */
export type Unsupported = {
  /** Path with `[]` for every list position. */
  readonly field: string;
  readonly refused: 'any' | readonly (string | boolean)[];
  readonly what: string;
  readonly instead: string;
};

/** The whole list; the field reference prints it. A row goes when its feature comes. */
export const UNSUPPORTED: readonly Unsupported[] = [
  {
    field: 'kind',
    refused: ['ClusterRateLimitPolicy'],
    what: 'policies for many namespaces',
    instead: 'write a RateLimitPolicy, which in this version applies whatever its namespace',
  },
  {
    field: 'spec.priority',
    refused: ['Critical', 'High', 'Low', 'Background'],
    what: 'priorities',
    instead: 'remove priority or write Normal',
  },
  {
    field: 'spec.failureMode',
    refused: ['Closed', 'Open'],
    what: 'failure modes',
    instead: 'remove failureMode or write Share',
  },
  {
    field: 'spec.limits[].match.kinds[]',
    refused: ['Tool'],
    what: 'calls of kind Tool',
    instead: 'write HTTP, which is the kind of tools that are called over HTTP',
  },
  {
    field: 'spec.limits[].match.when',
    refused: 'any',
    what: 'CEL expressions',
    instead: 'match by kinds, tools, models and upstreams',
  },
  {
    field: 'spec.limits[].unit',
    refused: ['ToolCalls', 'ComputeSeconds'],
    what: 'tool calls and compute time as units',
    instead: 'count Requests, with match.tools for tools that are called over HTTP',
  },
  {
    field: 'spec.limits[].rates[].strict',
    refused: [true],
    what: 'strict windows',
    instead: 'remove strict and choose a small burst',
  },
  {
    field: 'spec.limits[].budget',
    refused: 'any',
    what: 'budgets by calendar period',
    instead: 'use rates with a long window',
  },
  { field: 'spec.adaptive', refused: 'any', what: 'adaptive limits', instead: 'remove adaptive' },
  { field: 'spec.longRunning', refused: 'any', what: 'tasks for long calls', instead: 'remove longRunning' },
  {
    field: 'spec.anomaly.action',
    refused: ['Alert', 'Throttle', 'Quarantine'],
    what: 'anomaly detection',
    instead: 'remove anomaly or write action: Off',
  },
];

/** One finding of kind `unsupported` for each use of what this version does not enforce. */
export function checkSupport(data: unknown): Finding[] {
  return UNSUPPORTED.flatMap((row) =>
    placesOf(row.field, data)
      .filter(({ value }) => row.refused === 'any' || row.refused.some((refused) => refused === value))
      .map(({ path }) => ({ path, message: notSupported(row), kind: 'unsupported' as const })),
  );
}

function notSupported(row: Unsupported): string {
  return `not supported yet: ${row.what}; ${row.instead}`;
}

type Place = { readonly path: Path; readonly value: unknown };

function placesOf(field: string, data: unknown): readonly Place[] {
  let places: readonly Place[] = [{ path: [], value: data }];
  for (const step of field.replaceAll('[]', '.[]').split('.')) {
    places = places.flatMap((place) => (step === '[]' ? itemsOf(place) : fieldOf(place, step)));
  }
  return places;
}

function itemsOf({ path, value }: Place): Place[] {
  return listOf(value).map((item, position) => ({ path: [...path, position], value: item }));
}

function fieldOf({ path, value }: Place, name: string): Place[] {
  return isMap(value) && Object.hasOwn(value, name) ? [{ path: [...path, name], value: value[name] }] : [];
}
