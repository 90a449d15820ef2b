// Peers are measured in short slices that alternate, so that whatever else the machine does falls on all of them alike.
// What is compared are ratios within one round; a figure without a peer in the same minute means little.

import { median } from './percentile.ts';

/** Figures of one slice by name. */
export type Sample<Figure extends string> = Readonly<Record<Figure, number>>;

/** All slices, by peer; each list has one sample per round. */
export class Slices<Figure extends string> {
  readonly #samples: ReadonlyMap<string, readonly Sample<Figure>[]>;

  constructor(samples: ReadonlyMap<string, readonly Sample<Figure>[]>) {
    this.#samples = samples;
  }

  has(peer: string): boolean {
    return this.#samples.has(peer);
  }

  /** The median over the rounds. */
  median(peer: string, figure: Figure): number {
    return median(this.#of(peer).map((sample) => sample[figure]));
  }

  /** The largest of all rounds. */
  largest(peer: string, figure: Figure): number {
    return Math.max(...this.#of(peer).map((sample) => sample[figure]));
  }

  /** The median of the ratios of each round. */
  ratio(peer: string, base: string, figure: Figure): number {
    const bases = this.#of(base);
    return median(
      this.#of(peer).map((sample, round) => sample[figure] / (bases[round]?.[figure] ?? Number.NaN)),
    );
  }

  #of(peer: string): readonly Sample<Figure>[] {
    const samples = this.#samples.get(peer);
    if (samples === undefined) throw new Error(`${peer} was not measured`);
    return samples;
  }
}

/** Measures each peer once per round, in turn. */
export async function alternate<Peer extends { readonly name: string }, Figure extends string>(
  peers: readonly Peer[],
  rounds: number,
  measure: (peer: Peer) => Promise<Sample<Figure>>,
): Promise<Slices<Figure>> {
  const samples = new Map<string, Sample<Figure>[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) samples.get(peer.name)?.push(await measure(peer));
  }
  return new Slices(samples);
}
