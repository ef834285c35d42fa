import {
  encodeEnvelope,
  type Message,
  newEventId,
  type PublishReceipt,
  parseEventPattern,
  type StartAt,
  type Transport,
} from "@adaos/core";
import { formatSubject, type NodeAddress } from "@adaos/core/wire";
import type { TransportHarness } from "./harness.ts";
import { acknowledge, hold, type OnReceived, Received } from "./received.ts";

/** Subscription options of a test; the others have defaults. */
export interface Interest {
  /** @default "main" */
  readonly durable?: string;
  /** @default everything in this scene */
  readonly pattern?: string;
  readonly from?: { readonly subnet?: string; readonly node?: string };
  /** @default 1000 */
  readonly maxAckPending?: number;
  /** @default "new" */
  readonly startAt?: StartAt;
  /** @default false */
  readonly answers?: boolean;
}

/** Content of a test's message; the rest has defaults. */
export interface Content {
  /** Name of the event. @default `told` in this scene's topic */
  readonly name?: string;
  readonly version?: number;
  /** @default the first publisher */
  readonly from?: NodeAddress;
  /** Least length of the body in bytes; it stays an envelope. @default 0 */
  readonly bytes?: number;
}

let scenes = 0;

/** The surroundings of one test: its own transports, event names and durables. */
export class Scene {
  readonly harness: TransportHarness;
  /** Start of the names of this scene's events, with its dot. */
  readonly topic: string;
  readonly #token: string = `t${(scenes++).toString(36)}`;
  readonly #sharedPublisher: () => Promise<Transport>;
  readonly #transports: Transport[] = [];
  readonly #received: Received[] = [];
  #messages = 0;

  /** @param sharedPublisher Connects as the first publisher, once for all scenes that share it. */
  constructor(harness: TransportHarness, sharedPublisher: () => Promise<Transport>) {
    this.harness = harness;
    this.#sharedPublisher = sharedPublisher;
    this.topic = `${harness.prefix}${this.#token}.`;
  }

  async open(as: NodeAddress): Promise<Transport> {
    const transport = await this.harness.open(as);
    this.#transports.push(transport);
    return transport;
  }

  /** The first publisher, which must not be closed, and the first subscriber. */
  async openBoth(): Promise<readonly [Transport, Transport]> {
    return [await this.#sharedPublisher(), await this.open(this.harness.subscribers[0])];
  }

  durable(name: string): string {
    return `${this.#token}-${name}`;
  }

  async subscribe(
    transport: Transport,
    interest: Interest = {},
    onReceived: OnReceived = acknowledge,
  ): Promise<Received> {
    const { durable = "main", pattern = this.topic, from = {}, maxAckPending = 1000 } = interest;
    const received = this.tally(onReceived);
    this.#received.push(received);
    received.subscription = await transport.subscribe(
      {
        durable: this.durable(durable),
        pattern: parseEventPattern(pattern),
        from,
        maxAckPending,
        startAt: interest.startAt ?? "new",
        answers: interest.answers ?? false,
      },
      received.take,
    );
    return received;
  }

  /** Collects the deliveries of several subscriptions: pass its `take` as their `onReceived`. */
  tally(onReceived: OnReceived = acknowledge): Received {
    return new Received(onReceived, this.harness.limitMs);
  }

  message({ name = `${this.topic}told`, version = 1, from, bytes = 0 }: Content = {}): Message {
    const { subnet, node } = from ?? this.harness.publishers[0];
    const id = newEventId(Date.now());
    const envelope = encodeEnvelope({
      event_id: id,
      event_name: name,
      version,
      kind: "event",
      ts: new Date().toISOString(),
      source: `conformance@${node}`,
      correlation_id: id,
      tenant: "default",
      headers: {},
      data: { no: this.#messages++ },
    });
    // JSON may end with spaces.
    const body = new Uint8Array(Math.max(bytes, envelope.length)).fill(0x20);
    body.set(envelope);
    return { subject: formatSubject({ subnet, node, name, version }), id, headers: {}, body };
  }

  messages(count: number, content: Content = {}): Message[] {
    return Array.from({ length: count }, () => this.message(content));
  }

  /**
   * Waits until a delivery that is abandoned now has been redelivered: then every earlier unsettled delivery could
   * have been, too.
   */
  async ackWaitPasses(from: Transport, to: Transport): Promise<void> {
    // Its own topic, which nobody else in this scene subscribes.
    const name = `${this.harness.prefix}${this.#token}-wait.abandoned`;
    const interest = { durable: "abandoned", pattern: name };
    const abandoning = await this.subscribe(to, interest, hold);
    const message = this.message({ name });
    await from.publish(message);
    await abandoning.until(message);
    await abandoning.stop(0);
    const other = await this.subscribe(to, interest);
    await other.until(message);
  }

  /** Ends a transport. Where possible it does so without a farewell, which may take its time. */
  async drop(transport: Transport): Promise<void> {
    await this.harness.crash?.(transport);
    await transport.close();
  }

  /** Ends a wait for an expected result. */
  limit(): AbortSignal {
    return AbortSignal.timeout(this.harness.limitMs);
  }

  /** Leaves only durables behind. */
  async end(): Promise<void> {
    const { crash } = this.harness;
    if (crash !== undefined) await Promise.all(this.#transports.map(crash));
    await Promise.all(this.#received.map((received) => received.stop(0)));
    await Promise.all(this.#transports.map((transport) => transport.close()));
  }
}

/** Publishes all in one tick. */
export function publishAll(transport: Transport, messages: readonly Message[]): Promise<PublishReceipt[]> {
  return Promise.all(messages.map((message) => transport.publish(message)));
}

export function idsOf(messages: readonly Message[]): string[] {
  return messages.map(({ id }) => id);
}
