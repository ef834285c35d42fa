/** Waiting items, up to a number and a size in all. For one reader. */
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

  /** Tells whether there was room for it. */
  add(item: T, bytes: number): boolean {
    if (this.#isEnded || this.#waiting.length >= this.#maxItems || this.#bytes + bytes > this.#maxBytes)
      return false;
    this.#waiting.push({ item, bytes });
    this.#bytes += bytes;
    this.#wake();
    return true;
  }

  /** No more come: the reader ends after what waits. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Throws away what waits, and tells how many these were. */
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
