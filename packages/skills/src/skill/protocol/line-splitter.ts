const LINE_FEED = 10;

/** Splits bytes into lines, whatever their chunks. A longer line than allowed is reported once, and skipped. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: (beginning: string) => void;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isSkipping = false;

  constructor(maxBytes: number, onLine: (line: string) => void, onTooLong: (beginning: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      this.#take(chunk.subarray(from, at));
      this.#end();
      from = at + 1;
    }
    if (from < chunk.length) this.#take(chunk.subarray(from));
  }

  /** The text has ended: what is held is its last line. */
  flush(): void {
    if (this.#heldBytes > 0) this.#end();
  }

  #take(part: Buffer): void {
    if (this.#isSkipping || part.length === 0) return;
    this.#held.push(part);
    this.#heldBytes += part.length;
    if (this.#heldBytes <= this.#maxBytes) return;
    const beginning = Buffer.concat(this.#held).subarray(0, this.#maxBytes).toString("utf8");
    this.#drop();
    this.#isSkipping = true;
    this.#onTooLong(beginning);
  }

  #end(): void {
    const wasSkipping = this.#isSkipping;
    const line = Buffer.concat(this.#held).toString("utf8");
    this.#drop();
    this.#isSkipping = false;
    if (!wasSkipping) this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  #drop(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }
}
