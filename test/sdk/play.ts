// One cell of the matrix: an SDK in a situation, and what went over the wire.

import type { Driver } from './driver.ts';
import type { SdkCall, SdkOutcome } from './drivers/contract.ts';
import type { Sdk } from './sdks.ts';
import { BASE_PATHS, type Situation } from './situations.ts';
import { type Exchange, startWireTap } from './wire-tap.ts';
import { SDK_KEY, type World } from './world.ts';

/**
 * How long an SDK waited before it called again: as the answer before said, at its own pace where that said nothing, or
 * wrongly.
 */
export type Wait = 'as announced' | 'own pace' | 'too early' | 'too late';

/** Statuses in the order in which they came, and the waits between them. */
export type Course = readonly (number | Wait)[];

/** What is the same each time an SDK is in this situation. */
export type Cell = {
  readonly course: Course;
  /** `served`, or the class of the error that the caller of the SDK sees. */
  readonly ends: string;
  /** Calls that reached the provider, by its own books. */
  readonly reached: number;
};

export type Played = {
  readonly cell: Cell;
  readonly outcome: SdkOutcome;
  readonly exchanges: readonly Exchange[];
};

/** A timer may fire this much early: it counts whole milliseconds. */
const EARLY_MS = 1;
/** What an SDK and a busy machine may add to a wait. */
const LATE_MS = 250;

/** Both SDK families wait 0.5 s and 1 s by default, less up to a quarter. */
const OWN_PACE_MS = { least: 375 - EARLY_MS, most: 1_000 + LATE_MS };

/** Makes one call through the SDK. */
export async function play(
  sdk: Sdk,
  driver: Driver,
  situation: Situation,
  mode: SdkCall['mode'],
): Promise<Played> {
  const world: World = await situation.arrange(sdk.dialect);
  const tap = await startWireTap(world.port);
  try {
    const base = (situation.basePath ?? BASE_PATHS)[sdk.dialect];
    const [outcome] = await Promise.all([
      driver.call({
        baseUrl: `http://127.0.0.1:${tap.port}${base}`,
        apiKey: SDK_KEY,
        mode,
        model: sdk.dialect === 'openai' ? 'gpt-5-mini' : 'claude-haiku-4-5',
        maxTokens: 20,
        prompt: 'Say something.',
        extraBody: {},
        repeatedHeader: '',
        ...situation.call,
      }),
      world.meanwhile?.(tap),
    ]);
    const cell = {
      course: courseOf(tap.exchanges),
      ends: outcome.outcome === 'ok' ? 'served' : outcome.errorClass,
      reached: world.reached(),
    };
    return { cell, outcome, exchanges: tap.exchanges };
  } finally {
    await tap.close();
    await world.close();
  }
}

function courseOf(exchanges: readonly Exchange[]): Course {
  return exchanges.flatMap(({ sentAtMs, answer }, at) => {
    const before = exchanges[at - 1]?.answer;
    const status = answer?.status ?? 0;
    return before === undefined ? [status] : [waitOf(before, sentAtMs - before.atMs), status];
  });
}

function waitOf({ headers }: NonNullable<Exchange['answer']>, waitedMs: number): Wait {
  const announcedMs = announcedMsOf(headers);
  const least = announcedMs === undefined ? OWN_PACE_MS.least : announcedMs - EARLY_MS;
  const most = announcedMs === undefined ? OWN_PACE_MS.most : announcedMs + LATE_MS;
  if (waitedMs < least) return 'too early';
  if (waitedMs > most) return 'too late';
  return announcedMs === undefined ? 'own pace' : 'as announced';
}

/** The wait that an answer announces, in milliseconds; undefined = none. */
export function announcedMsOf(headers: ReadonlyMap<string, string>): number | undefined {
  const ms = headers.get('retry-after-ms');
  if (ms !== undefined) return Number(ms);
  const seconds = headers.get('retry-after');
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
