import { hash } from "node:crypto";
import type { Envelope } from "../language/envelope.ts";
import { TimeLimit } from "../time/time-limit.ts";
import type { IdempotencyStore } from "../transport.ts";
import type { EventAddress } from "../wire/subject.ts";

/**
 * Names the effect of an event: two events of the same name and node, with the same `idempotency_key` (else
 * `event_id`), mean the same effect. The node is the authenticated one: no other can name the effect of this one's
 * events and so make them go unhandled. Pure. 32 hex digits.
 */
export function effectKey(envelope: Envelope, { subnet, node, name, version }: EventAddress): string {
  const key = envelope.headers["idempotency_key"] ?? envelope.event_id;
  // JSON keeps the parts apart, whatever they hold.
  const named = JSON.stringify([subnet, node, envelope.tenant, name, version, key]);
  return hash("sha256", named, "hex").slice(0, 32);
}

/** The store failed, not the handler: whether the effect has happened is to be asked again later. */
export class StoreTrouble extends Error {
  override readonly name = "StoreTrouble";
}

/** Lets the effect of a key happen once, also when two deliveries mean it at the same time. */
export class Once {
  readonly #store: IdempotencyStore;
  readonly #durable: string;
  readonly #limit: TimeLimit;
  readonly #running = new Map<string, Promise<unknown>>();

  /** @param maxMs Longest run of the store with the effect in it: one that hangs must not hold an event for ever. */
  constructor(store: IdempotencyStore, durable: string, maxMs: number) {
    this.#store = store;
    this.#durable = durable;
    this.#limit = new TimeLimit("the idempotency store", maxMs);
  }

  /** Resolves with whether `effect` ran. Rejects with what it rejects with, or with {@link StoreTrouble}. */
  async run(key: string, effect: (transaction: unknown) => unknown): Promise<boolean> {
    for (let other = this.#running.get(key); other !== undefined; other = this.#running.get(key)) {
      await other.catch(() => undefined);
    }
    const running = this.#run(key, effect);
    this.#running.set(key, running);
    try {
      return await running;
    } finally {
      this.#running.delete(key);
    }
  }

  async #run(key: string, effect: (transaction: unknown) => unknown): Promise<boolean> {
    let failed = false;
    try {
      return await this.#limit.run(() =>
        this.#store.once(this.#durable, key, async (transaction) => {
          try {
            await effect(transaction);
          } catch (thrown) {
            failed = true;
            throw thrown;
          }
        }),
      );
    } catch (thrown) {
      if (failed) throw thrown;
      throw new StoreTrouble("the idempotency store failed", { cause: thrown });
    }
  }
}
