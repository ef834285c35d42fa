import { setMaxListeners } from "node:events";
import {
  type Delivery,
  type Logger,
  MeshError,
  type Message,
  type PublishReceipt,
  type SendOptions,
  type SubscribeOptions,
  type Subscription,
  type Timers,
  type Transport,
  type TransportCapabilities,
} from "@adaos/core";
import {
  askSubject,
  CLEARANCE,
  delay,
  type HubService,
  type NodeAddress,
  type OnDelivery,
  travellingHeaders,
} from "@adaos/core/wire";
import type { Connection } from "./connection/connection.ts";
import { headersOfMsg, idOfMsg } from "./connection/message-headers.ts";
import { StreamPublisher } from "./publish/stream-publisher.ts";
import { Suspensions } from "./publish/suspensions.ts";
import { PullConsumer, type PulledMessage } from "./pull/pull-consumer.ts";
import { Asks, type Listening } from "./services/asks.ts";
import {
  askHub,
  type DurableReply,
  type DurableRequest,
  type HandlersReply,
  type HandlersRequest,
  type StoredReply,
  type StoredReplyRequest,
  type TimerReply,
} from "./services/hub-requests.ts";
import { HubTimers } from "./services/hub-timers.ts";
import { KnownHandlers } from "./services/known-handlers.ts";
import { NatsDocuments } from "./services/nats-documents.ts";
import { type FoundReply, Replies } from "./services/replies.ts";

export interface NatsTransportOptions {
  /** The member. */
  readonly address: NodeAddress;
  readonly log: Logger;
  /** How long `subscribe` waits for a hub that is away. @default 15000 */
  readonly subscribeTimeoutMs?: number;
  /** The stream's duplicate window at the hub; this adapter reports it. @default 120000 */
  readonly duplicateWindowMs?: number;
}

/** Time that running handlers have at a stop. */
const GRACE_MS = 10_000;
/**
 * nats-server 2.15 with leaf nodes sends to a pull for 2 s without checking for a subscriber. The rest is network time.
 */
const HAND_BACK_MS = 2250;

/** The Transport port on the JetStream of a member's hub. Owns its connection. */
export class NatsTransport implements Transport {
  readonly capabilities: TransportCapabilities;
  readonly timers: Timers;
  readonly documents: NatsDocuments;
  readonly #connection: Connection;
  readonly #options: Required<NatsTransportOptions>;
  readonly #publisher: StreamPublisher;
  readonly #suspensions: Suspensions;
  readonly #replies: Replies;
  readonly #asks: Asks;
  readonly #handlers: KnownHandlers;
  readonly #subscriptions = new Set<Subscription>();
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(connection: Connection, options: NatsTransportOptions) {
    this.#connection = connection;
    this.#options = { subscribeTimeoutMs: 15_000, duplicateWindowMs: 120_000, ...options };
    this.capabilities = { duplicateWindowMs: this.#options.duplicateWindowMs };
    // Every request for a timer adds a listener while it waits.
    setMaxListeners(0, this.#closed.signal);
    this.timers = new HubTimers((request) => this.#ask<TimerReply>("timer", request), this.#closed.signal);
    this.documents = new NatsDocuments(connection, options.address, options.log);
    this.#publisher = new StreamPublisher(connection);
    this.#suspensions = new Suspensions(connection, options.address.node);
    this.#replies = new Replies(connection, options.address, (requestId, after) =>
      this.#storedReply(requestId, after),
    );
    this.#asks = new Asks(connection, options.address, this.#replies);
    this.#handlers = new KnownHandlers(async (subject) => {
      const request: HandlersRequest = { subject };
      return (await this.#ask<HandlersReply>("handlers", request)).handlers;
    });
  }

  /** Largest write, by the measured speed of the line to the hub. */
  get writeBytes(): number {
    return this.#publisher.writeBytes;
  }

  publish(message: Message, options?: SendOptions): Promise<PublishReceipt> {
    return this.#suspensions.guard(message.subject, () => this.#publisher.publish(message, options?.signal));
  }

  async subscribe(options: SubscribeOptions, onDelivery: OnDelivery): Promise<Subscription> {
    const { stream, consumer, ackWaitMs } = await this.#ensureDurable(
      options,
      this.#options.subscribeTimeoutMs,
    );
    if (this.#closed.signal.aborted) throw new MeshError("closed", "the connection is closed");
    let mending = false;
    const mend = async (): Promise<void> => {
      if (mending || this.#closed.signal.aborted) return;
      mending = true;
      try {
        // An existing subscriber must not miss events that came while the durable was gone.
        await this.#ensureDurable({ ...options, startAt: "all" }, this.#options.subscribeTimeoutMs);
      } catch (err) {
        this.#options.log.warn({ durable: options.durable, err }, "durable not restored");
      } finally {
        mending = false;
      }
    };
    const pull = new PullConsumer(
      this.#connection,
      {
        stream,
        consumer,
        ackWaitMs,
        log: this.#options.log,
        onMissing: () => void mend(),
        handBackMs: HAND_BACK_MS,
        inOrder: options.inOrder ?? false,
      },
      (pulled) => onDelivery(deliveryOf(pulled, stream)),
    );
    const listening: Listening | undefined = options.answers
      ? this.#asks.listen(options, onDelivery)
      : undefined;
    const subscription: Subscription = {
      stop: async (graceMs = GRACE_MS) => {
        await Promise.all([listening?.stop(graceMs), pull.stop(graceMs)]);
        this.#subscriptions.delete(subscription);
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async handlersOf(subject: string): Promise<HandlersReply["handlers"]> {
    if (this.#closed.signal.aborted) throw new MeshError("closed", "the connection is closed");
    try {
      return await this.#handlers.of(subject);
    } catch (thrown) {
      if (thrown instanceof MeshError && thrown.rule === CLEARANCE) throw thrown;
      // No answer from the hub does not mean that there is no handler.
      return "unknown";
    }
  }

  awaitReply(requestId: string, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message> {
    return this.#replies.await(requestId, signal, accepts).reply;
  }

  ask(message: Message, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message> {
    const send = (): Promise<Message> => this.#asks.ask(message, signal, accepts);
    return this.#suspensions.guard(askSubject(message.subject), send);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    this.#asks.close();
    this.#replies.close();
    await Promise.all([this.#publisher.close(), this.documents.close()]);
    await this.#connection.close();
  }

  /** Asks the hub for a durable until it answers. Rejects with the hub's refusal, or `unavailable`. */
  async #ensureDurable(options: SubscribeOptions, timeoutMs: number): Promise<DurableReply> {
    const { pattern, inOrder: _, ...settings } = options;
    const request: DurableRequest = { ...settings, pattern: pattern.text };
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      try {
        return await this.#ask<DurableReply>("durable", request);
      } catch (thrown) {
        const error = MeshError.from(thrown, "internal", "the hub's answer cannot be read");
        if (error.code !== "unavailable") throw error;
        if (this.#closed.signal.aborted) throw new MeshError("closed", "the connection is closed");
        if (Date.now() >= deadlineMs) {
          throw new MeshError("unavailable", `${error.message} ${options.durable}`, { cause: error });
        }
        await delay(200, this.#closed.signal);
      }
    }
  }

  async #storedReply(requestId: string, after: number): Promise<FoundReply | undefined> {
    const request: StoredReplyRequest = { requestId, after };
    const { seq, subject, headers: held, bodyBase64 } = await this.#ask<StoredReply>("reply", request);
    if (seq === undefined || subject === undefined || bodyBase64 === undefined) return undefined;
    const body = Buffer.from(bodyBase64, "base64");
    const headers = travellingHeaders((name) => held?.[name]);
    return { seq, reply: { subject, id: requestId, headers, body } };
  }

  #ask<T extends object>(service: HubService, request: object): Promise<T> {
    return askHub<T>(this.#connection, this.#options.address.node, service, request);
  }
}

function deliveryOf({ msg, seq, storedMs, deliveryCount, settle }: PulledMessage, stream: string): Delivery {
  const message = { subject: msg.subject, id: idOfMsg(msg), headers: headersOfMsg(msg), body: msg.data };
  return { message, stream, seq, storedMs, deliveryCount, settle };
}
