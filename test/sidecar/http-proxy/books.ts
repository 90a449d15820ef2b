// What a sidecar says about its calls: limits, gauges and the ledger. The provider's meter is the judge of it.

import type { LedgerEntry } from '../../../sidecar/ledger.ts';
import type { LimitsView } from '../../../sidecar/limits-view.ts';
import { parsePrometheusText } from '../../runtime/prometheus-text.ts';
import type { Governed } from '../governed.ts';
import { until } from '../until.ts';
import { headerOf, type RawAnswer } from './raw-client.ts';

const MICROS_PER_USD = 1_000_000;

/** `GET /v1/limits`, as the agent in the path and with the headers given. */
export async function readLimits(
  { url }: Pick<Governed, 'url'>,
  headers: Readonly<Record<string, string>> = {},
  agentPath = '',
): Promise<LimitsView> {
  const response = await fetch(`${url}${agentPath}/v1/limits`, { headers });
  if (response.status !== 200) throw new Error(`GET /v1/limits was answered ${response.status}`);
  // The endpoint promises this shape; own-routes.test.ts holds it to that.
  return (await response.json()) as LimitsView;
}

/** What each limit has used, by its name: whole units, dollars in micro-dollars, the sum over the keys that are shown. */
export async function readUsed(
  governed: Pick<Governed, 'url'>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, number>>> {
  const used: Record<string, number> = {};
  for (const { limit, unit, burst, remaining } of (await readLimits(governed, headers)).limits) {
    const scale = unit === 'USD' ? MICROS_PER_USD : 1;
    used[limit] = (used[limit] ?? 0) + Math.round((Number(burst) - Number(remaining)) * scale);
  }
  return used;
}

/** The sum of a metric's samples with these labels; 0 where there is none. */
export async function readMetric(
  { metrics }: Pick<Governed, 'metrics'>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const samples = parsePrometheusText(await metrics()).get(name)?.samples ?? [];
  return samples
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** Everything that must be zero when no call is open. */
export async function readGauges(governed: Pick<Governed, 'metrics'>): Promise<readonly number[]> {
  const families = parsePrometheusText(await governed.metrics());
  return ['flyball_open_reservations', 'flyball_held_calls', 'flyball_concurrency_in_use'].map((name) =>
    (families.get(name)?.samples ?? []).reduce((sum, { value }) => sum + value, 0),
  );
}

/** Resolves when this many calls are held. */
export async function untilHeld(governed: Pick<Governed, 'metrics'>, calls: number): Promise<void> {
  await until(
    () => readGauges(governed),
    ([, held]) => held === calls,
  );
}

/** Resolves when this many calls are open at the sidecar, those among them whose body is still coming. */
export async function untilOpen({ sidecar }: Pick<Governed, 'sidecar'>, calls: number): Promise<void> {
  await until(
    () => sidecar.openCalls,
    (open) => open === calls,
  );
}

/** Resolves when this many calls have arrived at the provider. */
export async function untilArrived({ provider }: Pick<Governed, 'provider'>, calls: number): Promise<void> {
  await until(
    () => provider.meter.total().calls,
    (arrived) => arrived === calls,
  );
}

/** Resolves when no call is open, held or in a slot. */
export async function untilNothingOpen(governed: Pick<Governed, 'metrics'>): Promise<void> {
  await until(
    () => readGauges(governed),
    (gauges) => gauges.every((gauge) => gauge === 0),
  );
}

/** The same, and at the provider. */
export async function untilClear(governed: Governed): Promise<void> {
  await untilNothingOpen(governed);
  await governed.provider.meter.idle();
}

/** The ledger's entry of the decision that an answer names, once the call is settled. */
export function readRecord(
  governed: Pick<Governed, 'url'>,
  { headers }: Pick<Response, 'headers'> | Pick<RawAnswer, 'headers'>,
): Promise<LedgerEntry> {
  const name = 'flyball-decision';
  const id = headers instanceof Headers ? headers.get(name) : headerOf({ headers }, name);
  return readEntry(governed, id ?? '');
}

/** The ledger's entry of a decision, once the call is settled. */
export async function readEntry({ url }: Pick<Governed, 'url'>, decisionId: string): Promise<LedgerEntry> {
  const read = async (): Promise<LedgerEntry | undefined> => {
    const response = await fetch(`${url}/v1/decisions/${decisionId}`);
    if (response.status !== 200) throw new Error(`the decision was answered ${response.status}`);
    return (await response.json()) as LedgerEntry; // As above.
  };
  const entry = await until(
    read,
    (found) => found?.settle !== undefined || found?.decision.outcome === 'deny',
  );
  if (entry === undefined) throw new Error('no entry');
  return entry;
}
