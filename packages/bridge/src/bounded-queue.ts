/** A queue with a limit of items and of their total size. For one reader. */
export class BoundedQueue<T> {
  readonly #maxItems: number;
  readonly #maxBytes: number;
  #waiting: { readonly item: T; readonly bytes: number }[] = [];
  #bytes = 0;
  #isEnded = false;
  #wake = (): void => undefined;

  constructor(maxItems: number, maxBytes: number) {
    this.#maxItems = maxItems;
    this.#maxBytes = maxBytes;
  }

  /** Adds an item; returns whether there was room. */
  add(item: T, bytes: number): boolean {
    if (this.#isEnded || this.#waiting.length >= this.#maxItems || this.#bytes + bytes > this.#maxBytes)
      return false;
    this.#waiting.push({ item, bytes });
    this.#bytes += bytes;
    this.#wake();
    return true;
  }

  /** Closes the queue: the reader ends after the waiting items. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Drops the waiting items, and returns their number. */
  clear(): number {
    const count = this.#waiting.length;
    this.#waiting = [];
    this.#bytes = 0;
    return count;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#bytes -= next.bytes;
        yield next.item;
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
