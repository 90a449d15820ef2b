// Callers that do as they are told. Refused together, nobody is refused more than once more, and all of them are served in
// the time that the limit needs and a quarter. Alone, a caller gets all that its limit gives.

import { afterEach, describe, expect, it } from 'vitest';
import { type Governed, policyOf, startGoverned } from '../sidecar/governed.ts';
import { useDrivers } from './driver.ts';
import type { SdkCall } from './drivers/contract.ts';
import { announcedMsOf } from './play.ts';
import { readSdks, type Sdk } from './sdks.ts';
import { BASE_PATHS } from './situations.ts';
import { type Exchange, startWireTap, type WireTap } from './wire-tap.ts';
import { callOnce } from './world.ts';

const CALLERS = 20;

/** How long the limit takes to earn one call. */
const PLACE_MS = 200;

const sdks = readSdks();
const driverOf = useDrivers(sdks);
let governed: Governed;
let tap: WireTap;

afterEach(async () => {
  await tap.close();
  await governed.close();
});

/** A limit that earns a call every `placeMs` and holds `burst` of them, and is empty. */
async function startUsedUp(placeMs: number, burst: number): Promise<void> {
  const rate = `{limit: ${CALLERS}, window: ${CALLERS * placeMs}ms, burst: ${burst}}`;
  governed = await startGoverned({
    policies: policyOf([`{name: calls, per: [], unit: Requests, rates: [${rate}], onLimit: {action: Deny}}`]),
  });
  await Promise.all(Array.from({ length: burst }, () => callOnce(governed)));
  tap = await startWireTap(governed.sidecar.port);
}

async function callAs(sdk: Sdk, mode: SdkCall['mode'], apiKey: string): Promise<string> {
  const { outcome } = await driverOf(sdk).call({
    baseUrl: `http://127.0.0.1:${tap.port}${BASE_PATHS[sdk.dialect]}`,
    apiKey,
    mode,
    model: 'any',
    maxTokens: 20,
    prompt: 'Say something.',
    extraBody: {},
    repeatedHeader: '',
  });
  return outcome;
}

/** Exchanges by caller, whom the tap knows by its API key. */
function byCaller(exchanges: readonly Exchange[]): readonly Exchange[][] {
  const callers = new Map<string, Exchange[]>();
  for (const exchange of exchanges) {
    const key = exchange.headers.get('authorization') ?? '';
    callers.set(key, [...(callers.get(key) ?? []), exchange]);
  }
  return [...callers.values()];
}

describe('20 callers that are refused together', () => {
  it.each([
    ['plain', CALLERS],
    ['stream', CALLERS],
    ['plain', 1],
  ] as const)('all pass within 1.25 times what the limit needs, %s, where it holds %i', async (mode, burst) => {
    const sdk = sdks.find(({ name }) => name === 'openai-node');
    if (sdk === undefined) throw new Error('openai-node is not among the SDKs');
    await startUsedUp(PLACE_MS, burst);
    const outcomes = await Promise.all(
      Array.from({ length: CALLERS }, (_, caller) => callAs(sdk, mode, `caller-${caller}`)),
    );

    expect(outcomes).toEqual(outcomes.map(() => 'ok'));
    const journeys = byCaller(tap.exchanges);
    expect(journeys).toHaveLength(CALLERS);
    const refusals = journeys.map((journey) => journey.filter(({ answer }) => answer?.status === 429).length);
    const firstRefusedMs = Math.min(...journeys.map(([first]) => first?.answer?.atMs ?? Number.NaN));
    const lastPassedMs = Math.max(...journeys.map((journey) => journey.at(-1)?.answer?.atMs ?? Number.NaN));
    // Whoever comes a little later may find what was earned meanwhile.
    expect(refusals.filter((count) => count > 0).length).toBeGreaterThan(CALLERS / 2);
    expect(Math.max(...refusals)).toBeLessThanOrEqual(2);
    expect(lastPassedMs - firstRefusedMs).toBeLessThanOrEqual(1.25 * CALLERS * PLACE_MS);
  });
});

describe('a lone caller', () => {
  it.for(sdks)('is told one place each time, whatever connection it comes on: $name', async (sdk) => {
    await startUsedUp(PLACE_MS, 1);
    for (let calls = 0; calls < 6; calls += 1) expect(await callAs(sdk, 'stream', 'lone')).toBe('ok');
    const waits = tap.exchanges.flatMap(({ answer }) => (answer && announcedMsOf(answer.headers)) ?? []);
    expect(waits.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1.25 * PLACE_MS);
  });
});
