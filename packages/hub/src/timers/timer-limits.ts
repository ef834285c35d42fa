import { MeshError, parseEventPattern } from "@adaos/core";
import { EVENT_ROOT, type RateLimit, RateLimits, type Timer } from "@adaos/core/wire";
import type { BudgetReply } from "@adaos/transport-nats";

/**
 * Of each member, whatever its own limits. Each fire is three synced writes: with a thousand a second, another member's
 * timers came up to five seconds late (two cores).
 */
const MAX_FIRES: RateLimit = { events: parseEventPattern("*"), eventsPerSecond: 200 };

/** A member's publish limits hold for its timers as well, so that a timer publishes nothing that the member may not. */
export class TimerLimits {
  readonly #subnet: string;
  readonly #suspendedOf: (node: string) => Promise<BudgetReply>;
  readonly #rates = new Map<string, RateLimits>();
  #limits: ReadonlyMap<string, readonly RateLimit[]> = new Map();

  /** @param suspendedOf What a member may not write for now, since it has written too much. */
  constructor(subnet: string, suspendedOf: (node: string) => Promise<BudgetReply>) {
    this.#subnet = subnet;
    this.#suspendedOf = suspendedOf;
  }

  /** @param limits By member. */
  replace(limits: ReadonlyMap<string, readonly RateLimit[]>): void {
    this.#limits = limits;
    for (const [node, rates] of this.#rates) rates.replace(this.#of(node));
  }

  /** Counts one event. Rejects with `backpressure` where the member may publish none now. */
  async take({ owner, event }: Timer, bytes: number): Promise<void> {
    const { suspended } = await this.#suspendedOf(owner.node);
    const meant = suspended.find(({ root }) => root === EVENT_ROOT);
    if (meant !== undefined) throw new MeshError("backpressure", meant.reason);
    const rates =
      this.#rates.get(owner.node) ?? new RateLimits(`${this.#subnet}/${owner.node}`, this.#of(owner.node));
    this.#rates.set(owner.node, rates);
    rates.take(event.name, event.version, bytes);
  }

  #of(node: string): readonly RateLimit[] {
    return [MAX_FIRES, ...(this.#limits.get(node) ?? [])];
  }
}
