import { AsyncLocalStorage } from "node:async_hooks";

const held = new AsyncLocalStorage<ReadingLimit | undefined>();

/**
 * How much one task may read of streams, all functions together that it calls. Behind the limit a stream looks as if it
 * ended there; the task asks {@link isReached} before it tells its result as a whole one.
 */
export class ReadingLimit {
  readonly #endsMs: number;
  #left: number;
  #isReached = false;

  /** @param ms From now on. */
  constructor(messages: number, ms: number) {
    this.#left = messages;
    this.#endsMs = performance.now() + ms;
  }

  /** The limit of the task that asks; undefined where it has none. */
  static get current(): ReadingLimit | undefined {
    return held.getStore();
  }

  /** Does a task under this limit, and under no other. */
  run<T>(task: () => T): T {
    return held.run(this, task);
  }

  /** Whether something was left out. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** Something was left out elsewhere that this task uses. */
  reach(): void {
    this.#isReached = true;
  }

  /** Whether the task may read on. */
  admits(): boolean {
    if (this.#left <= 0 || performance.now() >= this.#endsMs) this.#isReached = true;
    return !this.#isReached;
  }

  /** Counts messages that were read. */
  take(messages: number): void {
    this.#left -= messages;
  }
}
