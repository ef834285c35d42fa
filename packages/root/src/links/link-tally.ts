import type { MeshErrorCode } from "@adaos/core";

/** What links of one name have done since the daemon began. */
export class LinkTally {
  carried = 0;
  readonly #refused = new Map<MeshErrorCode, number>();

  /** Events that it passed over, by why. */
  get refused(): ReadonlyMap<MeshErrorCode, number> {
    return this.#refused;
  }

  get refusedInAll(): number {
    return [...this.#refused.values()].reduce((sum, count) => sum + count, 0);
  }

  refuse(code: MeshErrorCode): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }
}
