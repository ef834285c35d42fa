import { type IdempotencyStore, MeshError } from "@adaos/core";

/** Remembers in this process's memory what was done, the newest. Share one between the buses of a node. */
export class LocalIdempotencyStore implements IdempotencyStore {
  readonly #maxKeys: number;
  readonly #done = new Set<string>();

  /** Throws `usage`. @param maxKeys 1 to 10000000. */
  constructor(maxKeys = 100_000) {
    if (!Number.isInteger(maxKeys) || maxKeys < 1 || maxKeys > 10_000_000) {
      throw new MeshError("usage", `maxKeys must be a whole number from 1 to 10000000, got ${maxKeys}`);
    }
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
