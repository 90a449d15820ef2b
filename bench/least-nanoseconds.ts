// The time of something so short that a clock around it would cost more: a round is many calls, the fastest one counts.

const ROUNDS = 9;
const CALLS_PER_ROUND = 500_000;

/** Nanoseconds of `work` on one of these inputs. What it returns is summed, so that nothing is optimised away. */
export function leastNanoseconds<Input>(inputs: readonly Input[], work: (input: Input) => number): number {
  let least = Number.POSITIVE_INFINITY;
  let sink = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const startedNs = process.hrtime.bigint();
    let done = 0;
    for (; done < CALLS_PER_ROUND; done += inputs.length) for (const input of inputs) sink += work(input);
    least = Math.min(least, Number(process.hrtime.bigint() - startedNs) / done);
  }
  if (!(sink > 0)) throw new Error('nothing was done');
  return least;
}
