/** Lets only so many pieces of work run at a time; the others wait in their order. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count 1 or more. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Settles as `work` does. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The slot goes to the next one directly: nobody takes it in between.
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
