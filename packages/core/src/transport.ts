import type { ClassifiedData } from "./language/data-class.ts";
import type { EventKind } from "./language/envelope.ts";
import type { Violation } from "./language/errors.ts";
import type { EventPattern } from "./language/event-pattern.ts";

/** What an adapter can do: declared by it and proven by tests, never probed. */
export interface TransportCapabilities {
  /** A repeated message id of one subject within this time stores nothing. 0 = unsupported. */
  readonly duplicateWindowMs: number;
}

/** Opaque to a transport: it looks at no byte of `body`. */
export interface Message {
  readonly subject: string;
  /** The event id. Repeated under the same subject it is a duplicate; nobody else's can make it one. */
  readonly id: string;
  /** What travels beside the body (trace context, signature); ASCII, no reserved names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface PublishReceipt {
  readonly stream: string;
  readonly seq: number;
  /** The id was stored before; nothing was stored now. */
  readonly duplicate: boolean;
}

/** How a delivery ends: a closed set. */
export type Settlement =
  | { readonly kind: "ack" }
  | { readonly kind: "nak"; readonly delayMs: number }
  | { readonly kind: "term"; readonly reason: string };

export interface Delivery {
  readonly message: Message;
  readonly stream: string;
  readonly seq: number;
  /** When the stream stored it, by its own clock; milliseconds since the epoch. */
  readonly storedMs: number;
  /** 1 for the first attempt. */
  readonly deliveryCount: number;
  /** Ends this delivery; a second call does nothing. A lost settlement shows as a redelivery. */
  settle(settlement: Settlement): void;
  /**
   * Given with a command that is stored nowhere ({@link Transport.ask}): hands a reply to who asked. Throws
   * `too-large`; one that does not get there is a timeout there. Such a delivery has no stream, no `seq`, and comes
   * once.
   */
  readonly answer?: (reply: Message) => void;
}

export interface SubscribeOptions {
  /** Name of the durable; unique within its owner. */
  readonly durable: string;
  readonly pattern: EventPattern;
  /** Only events of this origin. */
  readonly from: { readonly subnet?: string; readonly node?: string };
  /** Unsettled deliveries at a time; 1 to 10000. */
  readonly maxAckPending: number;
  /** Where a durable that does not exist yet begins. */
  readonly startAt: StartAt;
  /** Whether it answers the commands it takes, asked ones too; who only looks on is no handler of them. */
  readonly answers: boolean;
  /**
   * Order counts more than time: what an earlier process held when it ended comes before anything behind it.
   * @default false
   */
  readonly inOrder?: boolean;
}

/** `new`: what is published from now on. `all`: everything the stream still holds. */
export type StartAt = "new" | "all";

export type OnDelivery = (delivery: Delivery) => void;

export interface Subscription {
  /**
   * Takes no more deliveries, waits for the unsettled ones at most `graceMs`; the durable stays. Safe to call twice.
   */
  stop(graceMs?: number): Promise<void>;
}

/** How one message is published. */
export interface SendOptions {
  /**
   * Of no use later: where the hub is away it is rejected as `unavailable`, and never kept to be sent. @default false
   */
  readonly onlyNow?: boolean;
  /**
   * When it aborts, nothing is sent again: the call ends as soon as what was sent is answered, or given up. What shares
   * a signal keeps its order when its caller publishes it anew.
   */
  readonly signal?: AbortSignal;
}

/** What waits on this machine's disk for a hub that is away. */
export interface OutboxStatus {
  /** Accepted and not forwarded yet. */
  readonly waiting: number;
  readonly bytes: number;
  /** Refused by the server after they were accepted; counted since the connection was made. */
  readonly refused: number;
}

/** Moves opaque messages. Knows nothing of envelopes, schemas or policy. */
export interface Transport {
  readonly capabilities: TransportCapabilities;
  /** Nothing where the transport keeps no outbox. */
  readonly outbox?: OutboxStatus;
  /**
   * Resolves once stored durably. Rejects with MeshError `unavailable`, `timeout`, `backpressure`,
   * `denied`, `too-large` or `closed`. Messages published in one tick keep their order.
   */
  publish(message: Message, options?: SendOptions): Promise<PublishReceipt>;
  /**
   * Delivers to `onDelivery` until stopped, at most `maxAckPending` unsettled at a time, and keeps a delivery from
   * being redelivered for as long as it is unsettled here. Rejects with `denied`, `unavailable`, `usage` or `closed`.
   */
  subscribe(options: SubscribeOptions, onDelivery: OnDelivery): Promise<Subscription>;
  /**
   * Whether any node has a durable that answers a command which this node publishes to this subject; `unknown` where no
   * one can tell, since it may leave the subnet. Rejects with `closed`, or with `denied` where it may not leave since
   * the subnet is not cleared for its reply.
   */
  handlersOf(subject: string): Promise<"some" | "none" | "unknown">;
  /**
   * Resolves with the first reply to the request of this id of this node that `accepts` takes: anybody who may take the
   * command may have answered, with anything. Listens from the moment of the call, before it returns. Rejects with the
   * signal's reason.
   */
  awaitReply(requestId: string, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message>;
  /**
   * Hands a command to those of this subnet who listen now, to one subscription of each durable that answers it, and
   * stores it nowhere. Resolves with the first reply to it that `accepts` takes. Rejects at once with `no-handler` when
   * nobody listens, with `unavailable` when nothing was sent, and with `timeout` when the connection is lost before the
   * reply; else with `denied`, `backpressure`, `too-large`, `closed` or the signal's reason.
   */
  ask(message: Message, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message>;
  /** Stops subscriptions, waits for unsettled deliveries, then disconnects. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Remembers at which durable of a node which effects have happened, longer than any stream holds their events; shared
 * by the node's processes. An effect is looked for before it is run and marked after it: a crash between the two
 * repeats it.
 */
export interface Marks {
  /**
   * Whether the effect of `key` (32 hex digits) has happened; at once where that can be told at once. Throws or rejects
   * with `unavailable` when it cannot be told, or when the effect could not be marked.
   * @param storedMs When the stream that delivers stored the event.
   */
  has(durable: string, key: string, storedMs: number): boolean | Promise<boolean>;
  /**
   * Resolves once the mark is on disk. What is marked at the same moment may share a promise. Rejects as `has` does.
   * @param isAwaited The next effect waits for it. Else the mark may wait a few milliseconds for others.
   */
  mark(durable: string, key: string, isAwaited: boolean): Promise<void>;
}

/** Where marks are kept: on the disk of the member itself, or in a stream of its hub. */
export type MarksPlace = "member" | "hub";

/** A store of the user's own that joins mark and effect in one transaction: then no crash comes between them. */
export interface IdempotencyStore {
  /**
   * Runs `effect` unless the effect of `key` has happened at this durable of the node, and remembers that it has.
   * Resolves with whether it ran. Rejects with what `effect` rejects with, nothing being remembered then; or with what
   * keeps the store from answering.
   */
  once(durable: string, key: string, effect: (transaction: unknown) => Promise<void>): Promise<boolean>;
}

/** One schema's verdict on one event's data. */
export interface Validation {
  readonly valid: boolean;
  /** At most 20, deepest first found. */
  readonly violations: readonly Violation[];
}

/** What the registry knows about one event in one major version. */
export interface EventContract {
  readonly name: string;
  readonly version: number;
  readonly kind: EventKind;
  /** The schema's `$id`, else its file. */
  readonly schema: string;
  readonly requiredHeaders: readonly string[];
  /** Of a command that may be lost: within a subnet its requests are stored nowhere. @default at least once */
  readonly delivery?: "at-most-once";
  /** Of an event that should not be used any more: the components that are declared to. */
  readonly deprecated?: { readonly producers: readonly string[]; readonly consumers: readonly string[] };
  /** As who publishes must keep to it. Violations name no classified value, and nothing within one. */
  validate(data: unknown): Validation;
  /**
   * As who receives takes it: a field that the schema does not declare is ignored, also where it forbids others, so
   * that who publishes may add fields before all who read know them.
   */
  validateReceived(data: unknown): Validation;
  /** Nothing where its schema classifies nothing. */
  readonly classified?: ClassifiedData;
}

/** Contracts by name and major version. Pure look-up: loading is done before. */
export interface SchemaRegistry {
  /** Without a version: the highest that is not a draft. Throws MeshError `unknown-event`. */
  resolve(name: string, version?: number): EventContract;
  /** Calls `listener` whenever contracts have come or changed, until what it returns is called. */
  onChange(listener: () => void): () => void;
}

/** Structured log lines: fields first, then a fixed event name. */
export interface Logger {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}
