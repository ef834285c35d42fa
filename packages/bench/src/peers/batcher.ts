/** Batches the items of one turn of the event loop, up to a limit. */
export class Batcher<T> {
  readonly #store: (batch: readonly T[]) => Promise<unknown>;
  readonly #maxSize: number;
  #batch: T[] = [];
  #stored: Promise<unknown> | undefined;

  constructor(store: (batch: readonly T[]) => Promise<unknown>, maxSize = 500) {
    this.#store = store;
    this.#maxSize = maxSize;
  }

  /** Settles as its batch does. */
  add(item: T): Promise<unknown> {
    this.#batch.push(item);
    this.#stored ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#flush());
    return this.#stored;
  }

  #flush(): Promise<unknown> {
    const batch = this.#batch;
    this.#batch = [];
    this.#stored = undefined;
    const parts: Promise<unknown>[] = [];
    for (let at = 0; at < batch.length; at += this.#maxSize) {
      parts.push(this.#store(batch.slice(at, at + this.#maxSize)));
    }
    return Promise.all(parts);
  }
}
