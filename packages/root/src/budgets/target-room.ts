import { decideShares } from "@adaos/transport-nats";
import type { StreamFill } from "./parse-fill.ts";

/** Carried bytes are added to the fill when they are this part of the free bytes. */
const RECKON_PART = 1 / 32;

/**
 * Finds the subnets over their share of another's stream, from its hub's last answer and the bytes carried since. Does
 * no I/O.
 */
export class TargetRoom {
  readonly #share: number;
  #fill: StreamFill;
  #carried = new Map<string, number>();
  #carriedBytes = 0;
  #over: ReadonlySet<string>;

  /** @param over The subnets that were over their share before. */
  constructor(fill: StreamFill, share: number, over: ReadonlySet<string> = new Set()) {
    this.#fill = fill;
    this.#share = share;
    this.#over = over;
    this.#reckon();
  }

  get over(): ReadonlySet<string> {
    return this.#over;
  }

  /** Adds an event of this origin that the target has stored. */
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
