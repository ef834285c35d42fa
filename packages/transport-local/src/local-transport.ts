import {
  MeshError,
  type Message,
  type PublishReceipt,
  type SubscribeOptions,
  type Subscription,
  type Timers,
  type Transport,
  type TransportCapabilities,
} from "@adaos/core";
import type { OnDelivery } from "@adaos/core/wire";
import type { LocalBroker } from "./local-broker.ts";
import type { LocalDocuments } from "./local-documents.ts";
import { LocalSubscription } from "./local-subscription.ts";

export interface LocalTransportOptions {
  /** The node that publishes and owns durables here. */
  readonly node: string;
}

/** Differences of this adapter, beside its capabilities. */
export const LOCAL_TRAITS = {
  /** Events and positions end with the process. */
  survivesRestart: false,
  /** No server checks rights; the bus does. Only the origin of an event is checked here. */
  enforcesRights: false,
} as const;

/** The Transport port within one process. */
export class LocalTransport implements Transport {
  readonly capabilities: TransportCapabilities;
  readonly timers: Timers;
  readonly documents: LocalDocuments;
  readonly #broker: LocalBroker;
  readonly #node: string;
  readonly #subscriptions = new Set<LocalSubscription>();
  #closing: Promise<void> | undefined;
  #disconnected = false;

  constructor(broker: LocalBroker, options: LocalTransportOptions) {
    this.capabilities = { duplicateWindowMs: broker.duplicateWindowMs };
    this.timers = broker.timers.of(options.node);
    this.documents = broker.documentsOf(options.node);
    this.#broker = broker;
    this.#node = options.node;
  }

  async publish(message: Message): Promise<PublishReceipt> {
    this.#assertOpen();
    return this.#broker.store(this.#node, message);
  }

  async subscribe(options: SubscribeOptions, onDelivery: OnDelivery): Promise<Subscription> {
    this.#assertOpen();
    const subscription = new LocalSubscription(onDelivery, this.#broker.stream, () => !this.#disconnected);
    subscription.join(this.#broker, this.#node, options);
    this.#subscriptions.add(subscription);
    return {
      stop: async (graceMs) => {
        await subscription.stop(graceMs);
        this.#subscriptions.delete(subscription);
      },
    };
  }

  async handlersOf(subject: string): Promise<"some" | "none"> {
    this.#assertOpen();
    return this.#broker.isAnswered(subject) ? "some" : "none";
  }

  awaitReply(requestId: string, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        stopWaiting();
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason);
      };
      const stopWaiting = this.#broker.onReply(this.#node, requestId, (reply) => {
        if (!accepts(reply)) return;
        end();
        resolve(reply);
      });
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  async ask(message: Message, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message> {
    this.#assertOpen();
    const reply = this.awaitReply(message.id, signal, accepts);
    if (signal.aborted) return reply;
    // Its caller ends the wait.
    reply.catch(() => undefined);
    this.#broker.ask(this.#node, message);
    return reply;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    this.#disconnected = true;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new MeshError("closed", "the connection is closed");
  }
}
