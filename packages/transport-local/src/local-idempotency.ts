import type { IdempotencyStore } from "@adaos/core";
import { assertWithin } from "@adaos/core/wire";

/** Remembers in this process's memory what was done, the newest. Share one between the buses of a node. */
export class LocalIdempotencyStore implements IdempotencyStore {
  readonly #maxKeys: number;
  readonly #done = new Set<string>();

  /** Throws `usage`. @param maxKeys 1 to 10000000. */
  constructor(maxKeys = 100_000) {
    assertWithin("maxKeys", maxKeys, 1, 10_000_000);
    this.#maxKeys = maxKeys;
  }

  async once(
    durable: string,
    key: string,
    effect: (transaction: unknown) => Promise<void>,
  ): Promise<boolean> {
    const mark = `${durable} ${key}`;
    if (this.#done.has(mark)) return false;
    await effect(undefined);
    this.#done.add(mark);
    if (this.#done.size > this.#maxKeys) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    for (const oldest of this.#done) {
      this.#done.delete(oldest);
      return;
    }
  }
}
