import type { MeshErrorCode } from "@adaos/core";

/** Counters of all links of one name since the daemon's start. */
export class LinkTally {
  carried = 0;
  readonly #refused = new Map<MeshErrorCode, number>();

  /** Refused events, by the code of the error. */
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
