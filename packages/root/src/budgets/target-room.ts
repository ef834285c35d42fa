import { decideShares } from "@adaos/transport-nats";
import type { StreamFill } from "./parse-fill.ts";

/** What has been carried is counted in when it is so large a part of what was free. */
const RECKON_PART = 1 / 32;

/**
 * Which subnets hold too much of another's stream: by what its hub has told, and what was carried there since. Does no
 * I/O.
 */
export class TargetRoom {
  readonly #share: number;
  #fill: StreamFill;
  #carried = new Map<string, number>();
  #carriedBytes = 0;
  #over: ReadonlySet<string>;

  /** @param over Who held too much before. */
  constructor(fill: StreamFill, share: number, over: ReadonlySet<string> = new Set()) {
    this.#fill = fill;
    this.#share = share;
    this.#over = over;
    this.#reckon();
  }

  get over(): ReadonlySet<string> {
    return this.#over;
  }

  /** Something of this origin has been stored there. */
  add(origin: string, bytes: number): void {
    this.#carried.set(origin, (this.#carried.get(origin) ?? 0) + bytes);
    this.#carriedBytes += bytes;
    const { maxBytes, usedBytes } = this.#fill;
    if (this.#carriedBytes > (maxBytes - usedBytes) * RECKON_PART) this.#reckon();
  }

  #reckon(): void {
    const held = new Map(this.#fill.held);
    for (const [origin, bytes] of this.#carried) held.set(origin, (held.get(origin) ?? 0) + bytes);
    this.#fill = { ...this.#fill, usedBytes: this.#fill.usedBytes + this.#carriedBytes, held };
    this.#carried = new Map();
    this.#carriedBytes = 0;
    this.#over = decideShares({ ...this.#fill, isComplete: true }, this.#share, this.#over);
  }
}
