// What each SDK does in each situation, with its default settings: two retries, and 0.5 s and then 1 s between them, less
// up to a quarter, where the answer does not say how long. Plain and streamed calls are expected alike.

import type { Cell, Course } from './play.ts';
import type { Dialect, Sdk, SdkName } from './sdks.ts';
import type { SituationName } from './situations.ts';

type Expectation = {
  readonly course: Course | Readonly<Record<Dialect, Course>>;
  /** Calls that reach the provider. */
  readonly reached: number;
};

/** A class that says "try again soon" is 529 in Anthropic's API, which has no 503. */
const UNAVAILABLE = { openai: [503, 'as announced', 200], anthropic: [529, 'as announced', 200] } as const;

const EXPECTATIONS: Readonly<Record<SituationName, Expectation>> = {
  throttled: { course: [429, 'as announced', 200], reached: 1 },
  'throttled on': { course: [429, 'as announced', 429, 'as announced', 429], reached: 0 },
  deferred: { course: [429], reached: 0 },
  exhausted: { course: [429], reached: 0 },
  'too large': { course: [413], reached: 0 },
  'body too large': { course: [413], reached: 0 },
  forbidden: { course: [403], reached: 0 },
  'invalid field': { course: [400], reached: 0 },
  'unknown route': { course: [400], reached: 0 },
  'identity repeated': { course: [401], reached: 0 },
  'upstream dead': { course: [502, 'own pace', 502, 'own pace', 502], reached: 0 },
  // The SDKs repeat whatever is 500 or more, as they would without us: `executed` is null, so we do not forbid it.
  'upstream silent': { course: [504, 'own pace', 504, 'own pace', 504], reached: 3 },
  restart: { course: UNAVAILABLE, reached: 1 },
  'no policies': { course: UNAVAILABLE, reached: 1 },
  held: { course: [200], reached: 1 },
};

/** The classes that callers catch, by the status of the last answer; by SDK where they have different ones. */
const ERROR_CLASSES: Readonly<Record<number, string | Readonly<Record<SdkName, string>>>> = {
  400: 'BadRequestError',
  401: 'AuthenticationError',
  403: 'PermissionDeniedError',
  // OpenAI's SDKs have no class for 413 and raise the one above all statuses.
  413: {
    'openai-node': 'APIError',
    'openai-python': 'APIStatusError',
    'anthropic-node': 'ContentTooLargeError',
    'anthropic-python': 'ContentTooLargeError',
  },
  429: 'RateLimitError',
  502: 'InternalServerError',
  // Anthropic's SDKs have a class of its own for 504, below InternalServerError.
  504: {
    'openai-node': 'InternalServerError',
    'openai-python': 'InternalServerError',
    'anthropic-node': 'GatewayTimeoutError',
    'anthropic-python': 'GatewayTimeoutError',
  },
};

/** The cell that an SDK must fill. */
export function expectedCell(sdk: Sdk, situation: SituationName): Cell {
  const { course, reached } = EXPECTATIONS[situation];
  const own = 'openai' in course ? course[sdk.dialect] : course;
  const last = Number(own.at(-1));
  const error = ERROR_CLASSES[last];
  const ends = last === 200 ? 'served' : typeof error === 'string' ? error : error?.[sdk.name];
  if (ends === undefined) throw new Error(`no error class is expected for ${last}`);
  return { course: own, ends, reached };
}
