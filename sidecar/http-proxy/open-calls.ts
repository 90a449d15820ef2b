// The calls in progress.
//
// Not a Set: each time V8 moves a Set to a new table, the old one keeps the entries that it had and points to the new
// one. Once an old table has left the young generation, all later tables and every call that was in one of them follow,
// dead or not, until a full collection: that cost a tenth of the CPU of a call and 50 MiB.

/** What can be among them. Its place is theirs. */
export interface OpenCall {
  place: number;
}

/** Calls by no order. Adding and removing take the same time however many there are. */
export class OpenCalls<Call extends OpenCall> {
  readonly #calls: Call[] = [];

  get size(): number {
    return this.#calls.length;
  }

  add(call: Call): void {
    call.place = this.#calls.length;
    this.#calls.push(call);
  }

  /** Removes a call that was added and not removed since. */
  remove(call: Call): void {
    if (this.#calls[call.place] !== call) throw new Error('removed a call that is not open');
    const last = this.#calls.pop();
    if (last === undefined || last === call) return;
    this.#calls[call.place] = last;
    last.place = call.place;
  }

  /** Those that are open now: a copy, for calls may end while it is gone through. */
  all(): Call[] {
    return [...this.#calls];
  }
}
