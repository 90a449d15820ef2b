// Every SDK in every situation, plain and streamed, through the real sidecar: what went over the wire, what the caller of
// the SDK got, and that no refused call reached the provider. `REWRITE=1` writes results.json, which docs/signals.md
// shows.

import { describe, expect, it, vi } from 'vitest';
import type { SdkResult, SdkResults } from '../../scripts/sdk-matrix.ts';
import { expectGolden } from '../golden-file.ts';
import { useDrivers } from './driver.ts';
import type { SdkCall } from './drivers/contract.ts';
import { expectedCell } from './expectations.ts';
import { type Cell, type Played, play } from './play.ts';
import { readSdks, type Sdk } from './sdks.ts';
import { SITUATIONS, type SituationName } from './situations.ts';
import type { WireAnswer } from './wire-tap.ts';

const MODES = ['plain', 'stream'] as const;
const SITUATION_NAMES = Object.keys(SITUATIONS) as SituationName[]; // the keys of a constant

/** A busy machine can only make a wait longer, so a cell that was late is played again. */
const MAX_PLAYS = 3;

const sdks = readSdks();
const driverOf = useDrivers(sdks);
const cells = new Map<string, Cell>();

// SDKs that wait must not be late because of others that work.
vi.setConfig({ maxConcurrency: 2 });

async function playInTime(sdk: Sdk, situation: SituationName, mode: SdkCall['mode']): Promise<Played> {
  for (let plays = 1; ; plays += 1) {
    const played = await play(sdk, driverOf(sdk), SITUATIONS[situation], mode);
    if (!played.cell.course.includes('too late') || plays === MAX_PLAYS) return played;
  }
}

/** What the SDK shows of the last answer must be what the answer says. */
function expectShown(sdk: Sdk, { outcome, exchanges }: Played): void {
  const answer = exchanges.at(-1)?.answer;
  if (outcome.outcome === 'ok') {
    expect(outcome.text).not.toBe('');
    return;
  }
  expect(outcome).toMatchObject({
    status: answer?.status,
    requestId: answer?.headers.get('flyball-decision'),
  });
  expect(outcome.message).toMatch(/The call was not executed\.|The upstream may have executed the call\./);
  // anthropic-python shows the whole body; the others show one sentence after the status.
  if (sdk.name !== 'anthropic-python')
    expect(outcome.message).toMatch(/^(?:Error code: )?\d{3} (?:- )?[A-Zm][^{}]*$/);
}

/** Refusals are marked as ours, and a wait that is to be slept comes in milliseconds too. */
function expectOurs(answer: WireAnswer | undefined): void {
  expect(answer?.headers.get('flyball-origin')).toBe('flyball');
  if (answer?.headers.has('x-should-retry') || !answer?.headers.has('retry-after')) return;
  expect(answer.headers.get('retry-after-ms')).toMatch(/^[1-9]\d*$/);
}

describe.concurrent.each(sdks)('$name', (sdk) => {
  const rows = SITUATION_NAMES.flatMap((situation) => MODES.map((mode) => ({ situation, mode })));

  it.for(rows)('$situation, $mode', async ({ situation, mode }) => {
    const played = await playInTime(sdk, situation, mode);
    cells.set(`${situation}/${sdk.name}/${mode}`, played.cell);
    expect(played.cell).toEqual(expectedCell(sdk, situation));
    expectShown(sdk, played);
    for (const { answer } of played.exchanges) if (answer?.status !== 200) expectOurs(answer);
    if (played.outcome.outcome === 'ok' && mode === 'stream')
      expect(played.outcome.pieces).toBeGreaterThan(1);
    if (situation === 'held') expect(played.outcome.elapsedMs).toBeGreaterThan(1_000);
  });
});

describe('results.json', () => {
  it('is what was just seen', () => {
    const resultsOf = (situation: SituationName, sdk: Sdk): { plain: SdkResult; stream: SdkResult } => ({
      plain: resultOf(cells.get(`${situation}/${sdk.name}/plain`)),
      stream: resultOf(cells.get(`${situation}/${sdk.name}/stream`)),
    });
    const results: SdkResults = {
      versions: Object.fromEntries(sdks.map(({ name, version }) => [name, version])),
      situations: SITUATION_NAMES.map((name) => ({
        class: SITUATIONS[name].class,
        cause: SITUATIONS[name].cause,
        cells: Object.fromEntries(sdks.map((sdk) => [sdk.name, resultsOf(name, sdk)])),
      })),
    };
    expectGolden(import.meta.url, 'results.json', `${JSON.stringify(results, null, 2)}\n`);
  });
});

function resultOf(cell: Cell | undefined): SdkResult {
  if (cell === undefined) throw new Error('a cell was not played: run the whole file');
  const statuses = cell.course.filter((step) => typeof step === 'number');
  const waits = cell.course.filter((step) => typeof step === 'string');
  return {
    requests: statuses.length,
    waited: [...new Set(waits)].join(', then '),
    status: statuses.at(-1) ?? 0,
    ends: cell.ends,
    reached: cell.reached,
  };
}
