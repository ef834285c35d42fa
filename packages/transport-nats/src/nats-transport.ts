import {
  type Delivery,
  durableRequestSubject,
  type Logger,
  MeshError,
  type Message,
  type OnDelivery,
  type PublishReceipt,
  type SubscribeOptions,
  type Subscription,
  type Transport,
  type TransportCapabilities,
} from "@adaos/core";
import { type Connection, delay } from "./connection.ts";
import { type DurableReply, type DurableRequest, errorOfReply } from "./durable-request.ts";
import { headersOfMsg } from "./message-headers.ts";
import { PullConsumer, type PulledMessage } from "./pull-consumer.ts";
import { StreamPublisher } from "./stream-publisher.ts";

export interface NatsTransportOptions {
  /** The member's name on its hub. */
  readonly node: string;
  readonly log: Logger;
  /** How long `subscribe` waits for a hub that is away. @default 15000 */
  readonly subscribeTimeoutMs?: number;
  /** As the hub's stream has it; what this adapter declares. @default 120000 */
  readonly duplicateWindowMs?: number;
}

/** Time for running handlers at a stop. */
const GRACE_MS = 10_000;
/** nats-server 2.15 with leaf nodes sends to a pull for 2 s without asking whether anybody listens; and the way there. */
const HAND_BACK_MS = 2250;

/** The Transport port on the JetStream of a member's hub. Owns its connection. */
export class NatsTransport implements Transport {
  readonly capabilities: TransportCapabilities;
  readonly #connection: Connection;
  readonly #options: Required<NatsTransportOptions>;
  readonly #publisher: StreamPublisher;
  readonly #subscriptions = new Set<Subscription>();
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(connection: Connection, options: NatsTransportOptions) {
    this.#connection = connection;
    this.#options = { subscribeTimeoutMs: 15_000, duplicateWindowMs: 120_000, ...options };
    this.capabilities = { duplicateWindowMs: this.#options.duplicateWindowMs };
    this.#publisher = new StreamPublisher(connection);
  }

  publish(message: Message): Promise<PublishReceipt> {
    return this.#publisher.publish(message);
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
        // Whoever was subscribed must not miss what came while the durable was gone.
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
      },
      (pulled) => onDelivery(deliveryOf(pulled, stream)),
    );
    const subscription: Subscription = {
      stop: async (graceMs = GRACE_MS) => {
        await pull.stop(graceMs);
        this.#subscriptions.delete(subscription);
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    await this.#publisher.close();
    await this.#connection.close();
  }

  /** Asks the hub for a durable until it answers. Rejects with the hub's refusal, or `unavailable`. */
  async #ensureDurable(
    options: SubscribeOptions,
    timeoutMs: number,
  ): Promise<Exclude<DurableReply, { error: unknown }>> {
    const { durable, pattern, from, maxAckPending, startAt } = options;
    const request: DurableRequest = { durable, pattern: pattern.text, from, maxAckPending, startAt };
    const deadlineMs = Date.now() + timeoutMs;
    for (;;) {
      try {
        const answer = await this.#connection.nc.request(
          durableRequestSubject(this.#options.node),
          JSON.stringify(request),
          { timeout: 2000 },
        );
        const reply = answer.json<DurableReply>();
        if ("error" in reply) throw errorOfReply(reply.error);
        return reply;
      } catch (thrown) {
        if (thrown instanceof MeshError && thrown.code !== "unavailable") throw thrown;
        if (this.#closed.signal.aborted) throw new MeshError("closed", "the connection is closed");
        if (Date.now() >= deadlineMs) {
          throw MeshError.from(thrown, "unavailable", `the hub does not answer for durable ${durable}`);
        }
        await delay(200, this.#closed.signal);
      }
    }
  }
}

function deliveryOf({ msg, seq, deliveryCount, settle }: PulledMessage, stream: string): Delivery {
  const headers = headersOfMsg(msg);
  const id = msg.headers?.get("Nats-Msg-Id") ?? "";
  return {
    message: { subject: msg.subject, id, headers, body: msg.data },
    stream,
    seq,
    deliveryCount,
    settle,
  };
}
