// What stands behind the wire while an SDK makes its call.

import { type Governed, type GovernedOptions, startGoverned } from '../sidecar/governed.ts';
import type { WireTap } from './wire-tap.ts';

/** The API key of the SDK under test; the provider's meter knows its calls by it. */
export const SDK_KEY = 'sdk';
const OTHER_KEY = 'other';

/** A sidecar with a provider behind it. */
export type World = {
  /** The sidecar's port. */
  readonly port: number;
  /** Calls of the SDK that reached the provider. */
  reached(): number;
  /** What happens while the SDK is at it; resolves when it has happened. */
  meanwhile?(tap: WireTap): Promise<void>;
  close(): Promise<void>;
};

/** A governed provider as a world. */
export function worldOf({ provider, sidecar, close }: Governed): World {
  return {
    port: sidecar.port,
    reached: () => reachedBy(provider.meter.report()),
    close,
  };
}

/** Calls of the SDK under test among those that arrived. */
export function reachedBy({ arrivals }: ReturnType<Governed['provider']['meter']['report']>): number {
  return arrivals.filter(({ account }) => account === SDK_KEY).length;
}

/** Starts a sidecar and a provider. */
export async function govern(options: GovernedOptions): Promise<World> {
  return worldOf(await startGoverned(options));
}

/** As `govern`, after one call of somebody else. */
export async function governUsedUp(policies: string): Promise<World> {
  const governed = await startGoverned({ policies });
  await callOnce(governed);
  return worldOf(governed);
}

/** Makes a call as somebody else. */
export async function callOnce(
  { openaiBaseUrl }: Pick<Governed, 'openaiBaseUrl'>,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<void> {
  const response = await fetch(`${openaiBaseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${OTHER_KEY}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'gpt-5-mini', messages: [{ role: 'user', content: 'hello' }] }),
    ...(signal === undefined ? {} : { signal }),
  });
  await response.text();
  if (!response.ok) throw new Error(`the call of somebody else was answered ${response.status}`);
}
