import type { Marks } from "@adaos/core";
import { assertWithin } from "@adaos/core/wire";

/** Keeps the newest marks in this process's memory. Share one between the buses of a node. */
export class LocalMarks implements Marks {
  readonly #maxKeys: number;
  readonly #done = new Set<string>();

  /** Throws `usage`. @param maxKeys 1 to 10000000. */
  constructor(maxKeys = 100_000) {
    assertWithin("maxKeys", maxKeys, 1, 10_000_000);
    this.#maxKeys = maxKeys;
  }

  has(durable: string, key: string): boolean {
    return this.#done.has(`${durable} ${key}`);
  }

  async mark(durable: string, key: string): Promise<void> {
    this.#done.add(`${durable} ${key}`);
    if (this.#done.size > this.#maxKeys) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const oldest of this.#done) {
      this.#done.delete(oldest);
      return;
    }
  }
}
