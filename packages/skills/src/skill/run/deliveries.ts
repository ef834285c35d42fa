import { AsyncResource } from "node:async_hooks";
import { createHash } from "node:crypto";
import type { Envelope } from "@adaos/core";
import { RetryableError } from "@adaos/core";
import type { SkillEvent } from "../define.ts";
import { errorOfSkill } from "../process/error-of-skill.ts";
import type { SkillProcess } from "../process/skill-process.ts";
import type { AskedPublish, FromSkill } from "../protocol/messages.ts";
import { effectId } from "./names.ts";

/** A delivery that is with the skill's process. */
export interface OpenDelivery {
  readonly durable: string;
  readonly event: Envelope;
  /** The async context of the bus's handler: what is published in it is caused by the handled event. */
  readonly scope: AsyncResource;
  /** How often the same content was published. */
  readonly published: Map<string, number>;
  /** Publishes that are under way. */
  readonly pending: Set<Promise<unknown>>;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The id of an event that belongs to a delivery. Changes the delivery's counts. */
export function idWithin(delivery: OpenDelivery, ref: string, { data, key }: AskedPublish): string {
  // A delivery may publish for an hour: what is kept of each content is small.
  const content = createHash("sha256")
    .update(JSON.stringify([ref, data ?? null]))
    .digest("base64");
  const index = delivery.published.get(content) ?? 0;
  delivery.published.set(content, index + 1);
  const { durable, event } = delivery;
  return effectId({
    durable,
    handledId: event.event_id,
    handledTs: event.ts,
    event: ref,
    data: data ?? null,
    key,
    index,
  });
}

/** The deliveries that one process of a skill has. */
export class Deliveries {
  readonly #open = new Map<number, OpenDelivery>();
  readonly #onIdle = new Set<() => void>();
  #lastId = 0;

  get size(): number {
    return this.#open.size;
  }

  /** Resolves when there are none. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#open.size === 0) resolve();
      else this.#onIdle.add(resolve);
    });
  }

  of(id: number | undefined): OpenDelivery | undefined {
    return id === undefined ? undefined : this.#open.get(id);
  }

  /** Gives an event to the process. Resolves with what its handler returns, rejects with what it throws. */
  pass(
    to: SkillProcess,
    { durable, handler }: { readonly durable: string; readonly handler: string },
    event: Envelope,
    { deliveryCount, signal }: { readonly deliveryCount: number; readonly signal: AbortSignal },
  ): Promise<unknown> {
    const id = ++this.#lastId;
    const scope = new AsyncResource("SkillDelivery", { requireManualDestroy: true });
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#close(id);
        to.abandoned.add(id);
        to.send({ type: "cancel", id });
        end();
        reject(new RetryableError("the handler's time is up"));
      };
      const end = (): void => {
        signal.removeEventListener("abort", onAbort);
        scope.emitDestroy();
      };
      const delivery: OpenDelivery = {
        durable,
        event,
        scope,
        published: new Map(),
        pending: new Set(),
        resolve: (value) => {
          end();
          resolve(value);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      this.#open.set(id, delivery);
      signal.addEventListener("abort", onAbort, { once: true });
      to.send({ type: "event", id, handler, attempt: deliveryCount, event: event as SkillEvent });
    });
  }

  /** A handler has ended. What it published before that belongs to its result. */
  async settle(of: SkillProcess, message: Extract<FromSkill, { type: "done" | "failed" }>): Promise<void> {
    of.abandoned.delete(message.id);
    const delivery = this.#open.get(message.id);
    if (delivery === undefined) return;
    try {
      if (message.type === "done") await Promise.all(delivery.pending);
      // Its time may have been up meanwhile.
      if (!this.#close(message.id)) return;
      if (message.type === "failed") delivery.reject(errorOfSkill(message.error));
      else delivery.resolve(message.value ?? undefined);
    } catch (thrown) {
      if (this.#close(message.id)) delivery.reject(thrown as Error);
    }
  }

  /** Returns whether it was open. */
  #close(id: number): boolean {
    const wasOpen = this.#open.delete(id);
    if (this.#open.size === 0) {
      for (const tell of this.#onIdle) tell();
      this.#onIdle.clear();
    }
    return wasOpen;
  }

  /** The process has ended: what it had is handled again. */
  failAll(why: string): void {
    for (const [id, delivery] of [...this.#open]) {
      this.#close(id);
      delivery.reject(new RetryableError(why));
    }
  }
}
