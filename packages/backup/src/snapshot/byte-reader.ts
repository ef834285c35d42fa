/** Reads exact numbers of bytes from chunks of any size. Holds at most what was asked for and one chunk. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Up to `most` bytes, at least one; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  /** Exactly so many bytes; undefined when the end comes before the first of them. Rejects when it comes later. */
  async exactly(count: number): Promise<Buffer | undefined> {
    const first = await this.some(count);
    if (first === undefined || first.length === count) return first;
    const whole = Buffer.allocUnsafe(count);
    let filled = first.copy(whole);
    while (filled < count) {
      const part = await this.some(count - filled);
      if (part === undefined) throw new Error(`it ends ${count - filled} bytes too early`);
      filled += part.copy(whole, filled);
    }
    return whole;
  }

  /** Lets the chunks' source end its work. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
