/**
 * Bytes that the runs of one member may hold at its hub. It is far below a member's share of the stream: one over its
 * share may write no more, and could not even end a run.
 */
const MAX_BYTES = 32 * 1024 * 1024;

/** The room that the documents of all runs of a member take. */
export class Room {
  readonly #maxBytes: number;
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(maxBytes: number = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get isFull(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  /** Notes the size of a document; 0 for one that is gone. */
  note(key: string, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(key) ?? 0);
    if (bytes === 0) this.#sizes.delete(key);
    else this.#sizes.set(key, bytes);
  }
}
