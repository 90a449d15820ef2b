// Every situation in which an SDK is refused, each from its real cause: real policies, the real sidecar, and a provider
// that keeps its own books.

import type { DenyClass } from '../../core/refusal.ts';
import { DEAD_UPSTREAM, policyOf, startGoverned } from '../sidecar/governed.ts';
import { untilArrived, untilHeld } from '../sidecar/http-proxy/books.ts';
import type { SdkCall } from './drivers/contract.ts';
import { startExhausted, startWithoutPolicies } from './partial-sidecars.ts';
import type { Dialect } from './sdks.ts';
import { callOnce, govern, governUsedUp, type World, worldOf } from './world.ts';

export type Situation = {
  /** `none`: the call is not refused. */
  readonly class: DenyClass | 'none';
  /** One phrase for the page. */
  readonly cause: string;
  readonly call?: Partial<Pick<SdkCall, 'model' | 'maxTokens' | 'prompt' | 'extraBody' | 'repeatedHeader'>>;
  /** Path of the base URL at the sidecar, where it is not the usual one. */
  readonly basePath?: Readonly<Record<Dialect, string>>;
  arrange(dialect: Dialect): Promise<World>;
};

export const BASE_PATHS: Readonly<Record<Dialect, string>> = {
  openai: '/openai/v1',
  anthropic: '/anthropic',
};

/** One call per 1.5 s, for everybody together. */
const ONE_CALL =
  '{name: calls, per: [], unit: Requests, rates: [{limit: 2, window: 3s, burst: 1}], onLimit: ';

/** Limits that nothing here comes near. */
const AMPLE = policyOf(['{name: calls, per: [], unit: Requests, rates: [{limit: 1000, window: 1m}]}']);

export const SITUATIONS = {
  throttled: {
    class: 'THROTTLED',
    cause: 'a rate that is used up for a second and a half',
    arrange: () => governUsedUp(policyOf([`${ONE_CALL}{action: Deny}}`])),
  },
  'throttled on': {
    class: 'THROTTLED',
    cause: 'the only slot of a concurrency limit, taken for good',
    arrange: async () => {
      const governed = await startGoverned({
        policies: policyOf(['{name: slots, per: [], unit: Concurrency, max: 1, onLimit: {action: Deny}}']),
        settings: { grace: 0 },
      });
      const leave = new AbortController();
      const stalled = callOnce(governed, { 'x-provider-fault': 'stall' }, leave.signal).catch(
        () => undefined,
      );
      await untilArrived(governed, 1);
      return {
        ...worldOf(governed),
        close: async () => {
          leave.abort();
          await stalled;
          await governed.close();
        },
      };
    },
  },
  deferred: {
    class: 'DEFERRED',
    cause: 'a rate that is used up for five minutes',
    arrange: () =>
      governUsedUp(
        policyOf([
          '{name: calls, per: [], unit: Requests, rates: [{limit: 1, window: 5m}], onLimit: {action: Deny}}',
        ]),
      ),
  },
  exhausted: {
    class: 'EXHAUSTED',
    cause: 'a budget that does not come back (rendered: no policy can cause it yet)',
    arrange: startExhausted,
  },
  'too large': {
    class: 'TOO_LARGE',
    cause: 'more output tokens asked for than the limit ever holds',
    call: { maxTokens: 1_000 },
    arrange: () =>
      govern({
        policies: policyOf([
          '{name: output, per: [], unit: OutputTokens, rates: [{limit: 100, window: 1m}], reserve: Strict}',
        ]),
      }),
  },
  'body too large': {
    class: 'TOO_LARGE',
    cause: 'a body of 4 MiB where 1 MiB may be sent',
    call: { prompt: 'word '.repeat(800_000) },
    arrange: () => govern({ policies: AMPLE, settings: { maxBody: 2 ** 20 } }),
  },
  forbidden: {
    class: 'FORBIDDEN',
    cause: 'a limit of 0 for the model',
    call: { model: 'forbidden-1' },
    arrange: () =>
      govern({
        policies: policyOf([
          '{name: forbidden, match: {models: ["forbidden-*"]}, per: [], unit: Requests, rates: [{limit: 0, window: 1m}]}',
        ]),
      }),
  },
  'invalid field': {
    class: 'INVALID',
    cause: '`max_tokens` is a word',
    call: { extraBody: { max_tokens: 'many' } },
    arrange: () => govern({ policies: AMPLE }),
  },
  'unknown route': {
    class: 'INVALID',
    cause: 'a base URL without its last part',
    basePath: { openai: '/openai', anthropic: '' },
    arrange: () => govern({ policies: AMPLE }),
  },
  'identity repeated': {
    class: 'UNAUTHENTICATED',
    cause: 'a layer below the SDK sends `flyball-user` twice',
    call: { repeatedHeader: 'flyball-user' },
    arrange: () => govern({ policies: AMPLE }),
  },
  'upstream dead': {
    class: 'UPSTREAM_FAILED',
    cause: 'nobody listens at the upstream',
    arrange: () =>
      govern({
        policies: AMPLE,
        settings: {
          upstreams: new Map([
            ['openai', DEAD_UPSTREAM],
            ['anthropic', DEAD_UPSTREAM],
          ]),
        },
      }),
  },
  'upstream silent': {
    class: 'UPSTREAM_FAILED',
    cause: 'the upstream takes the call and never answers',
    arrange: () =>
      govern({
        policies: AMPLE,
        provider: { behaviour: { fault: { kind: 'stall', afterEvents: undefined } } },
        settings: { upstreamTimeout: 200 },
      }),
  },
  restart: {
    class: 'UNAVAILABLE',
    cause: 'the sidecar stops while it holds the call, and is started again',
    arrange: async () => {
      const policies = policyOf([
        '{name: calls, per: [], unit: Requests, rates: [{limit: 1, window: 30s}], onLimit: {action: Hold, maxWait: 40s}}',
      ]);
      const first = await startGoverned({ policies });
      await callOnce(first);
      const second = await startGoverned({ policies });
      return {
        ...worldOf(second),
        port: first.sidecar.port,
        meanwhile: async (tap) => {
          await tap.requested(1);
          await untilHeld(first, 1);
          tap.retarget(second.sidecar.port);
          await first.close();
        },
        close: () => second.close(),
      };
    },
  },
  'no policies': {
    class: 'UNAVAILABLE',
    cause: 'policies have not come yet; they come after the first call',
    arrange: startWithoutPolicies,
  },
  held: {
    class: 'none',
    cause: 'a rate that is used up for a second and a half, with `onLimit: Hold`',
    arrange: () => governUsedUp(policyOf([`${ONE_CALL}{action: Hold, maxWait: 2s}}`])),
  },
} as const satisfies Readonly<Record<string, Situation>>;

export type SituationName = keyof typeof SITUATIONS;
