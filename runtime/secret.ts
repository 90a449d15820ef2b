// A value that cannot be printed by accident: string conversion, JSON, `console.log` and spreading show nothing.

import { inspect } from 'node:util';

/** Stands for the value of a secret wherever it is shown. */
export const HIDDEN = '[secret]';

/** Holds a value until `reveal` is called, which should be done only where it is used. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}
