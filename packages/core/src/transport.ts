import type { ClassifiedData } from "./language/data-class.ts";
import type { EventKind } from "./language/envelope.ts";
import type { Violation } from "./language/errors.ts";
import type { EventPattern } from "./language/event-pattern.ts";
import type { TimerDefinition } from "./timer/timer.ts";
import type { TimerInfo } from "./timer/timer-info.ts";

/** The abilities of an adapter: declared by it and proven by tests, never probed. */
export interface TransportCapabilities {
  /** A repeated message id of one subject within this time stores nothing. 0 = unsupported. */
  readonly duplicateWindowMs: number;
}

/** Opaque to a transport, which reads no byte of `body`. */
export interface Message {
  readonly subject: string;
  /** The event id. A repetition under the same subject is a duplicate; another publisher's id never is. */
  readonly id: string;
  /** Headers that travel with the body (trace context, signature); ASCII, no reserved names. */
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
  /** Settles this delivery; a second call does nothing. After a lost settlement the event is redelivered. */
  settle(settlement: Settlement): void;
  /**
   * Given with a command that is stored nowhere ({@link Transport.ask}): sends the reply to the requester. Throws
   * `too-large`; if a reply is lost, its requester gets a timeout. Such a delivery has no stream and no `seq`, and
   * comes once.
   */
  readonly answer?: (reply: Message) => void;
}

export interface SubscribeOptions {
  /** Name of the durable; unique within its owner. */
  readonly durable: string;
  readonly pattern: EventPattern;
  /** Only events of this origin; a name that is left out means any. */
  readonly from: { readonly subnet?: string; readonly node?: string };
  /** Unsettled deliveries at a time; 1 to 10000. */
  readonly maxAckPending: number;
  /** Start of a durable that does not exist yet. */
  readonly startAt: StartAt;
  /** Whether it answers the commands that it receives, asked ones too; an observer is not their handler. */
  readonly answers: boolean;
  /**
   * Order counts more than time: deliveries that an earlier process left unsettled come before all later ones.
   * @default false
   */
  readonly inOrder?: boolean;
}

/** `new`: events published from now on. `all`: everything in the stream. */
export type StartAt = "new" | "all";

export type OnDelivery = (delivery: Delivery) => void;

export interface Subscription {
  /**
   * Takes no more deliveries, and waits for the unsettled ones at most `graceMs`. The durable stays. Safe to call
   * twice.
   */
  stop(graceMs?: number): Promise<void>;
}

/** How one message is published. */
export interface SendOptions {
  /**
   * The message is of no use later: while the hub is away it is rejected as `unavailable`, and never queued.
   * @default false
   */
  readonly onlyNow?: boolean;
  /**
   * When it aborts, nothing is sent again: the call ends when the sent message is answered or given up. Messages
   * that share a signal keep their order when their caller publishes them anew.
   */
  readonly signal?: AbortSignal;
}

/** Messages that wait on this machine's disk for a hub that is away. */
export interface OutboxStatus {
  /** Accepted and not yet forwarded. */
  readonly waiting: number;
  readonly bytes: number;
  /** Accepted and later refused by the server; counted since the connection was made. */
  readonly refused: number;
}

/**
 * The timers of one node. They are kept and fired by its hub, also while the node is away. All reject with
 * `unavailable` or `closed`; where a timer is named, with `usage` if there is none.
 */
export interface Timers {
  /** Makes a timer or changes it; rejects with `usage`, `denied`, `too-large` or `backpressure`. */
  put(timer: TimerDefinition): Promise<TimerInfo>;
  /** In the order of their names. */
  list(): Promise<readonly TimerInfo[]>;
  /** Resolves with whether there was one. */
  remove(name: string): Promise<boolean>;
  pause(name: string): Promise<TimerInfo>;
  /** Continues the timer. The fires of the time in between are skipped. */
  resume(name: string): Promise<TimerInfo>;
  /** Fires now. Resolves with the id of the event. */
  trigger(name: string): Promise<string>;
}

/** A text that a node keeps at its hub. */
export interface StoredDocument {
  /** Empty for one that was removed a moment ago. */
  readonly text: string;
  /** The number of its last write. */
  readonly seq: number;
}

export interface DocumentWrite {
  readonly key: string;
  /** Undefined removes the document. */
  readonly text: string | undefined;
  /** The document's `seq` as the writer knows it, 0 for none. Undefined: whatever it is. */
  readonly seq: number | undefined;
}

/** Which of a node's records make room for each other: many dull ones push out no failure. */
export type RecordKind = "ok" | "failed" | "skipped";

/**
 * Texts of one node, which several of its processes may change. A key is `<scenario>.<word>`, both valid names. All
 * reject with `unavailable`, `too-large`, `backpressure` or `closed`.
 */
export interface Documents {
  read(key: string): Promise<StoredDocument | undefined>;
  /**
   * Writes all of them, or none: at most `MAX_DOCUMENT_WRITES`. Resolves with their new numbers, or with undefined
   * where another has changed one of them. After another error it is unknown whether they were written.
   */
  write(writes: readonly DocumentWrite[]): Promise<readonly number[] | undefined>;
  /** Adds a record. The newest {@link MAX_RECORDS} of a scenario and kind are kept, each for a limited time. */
  record(scenario: string, kind: RecordKind, id: string, text: string): Promise<void>;
  /** Calls `listener` with a scenario's name after an operator has changed its documents. */
  onChanged(listener: (scenario: string) => void): () => void;
}

/** Moves opaque messages. Knows nothing of envelopes, schemas or policy; of timers only what they say. */
export interface Transport {
  readonly capabilities: TransportCapabilities;
  readonly timers: Timers;
  readonly documents: Documents;
  /** Undefined where the transport has no outbox. */
  readonly outbox?: OutboxStatus;
  /**
   * Resolves once stored durably. Rejects with MeshError `unavailable`, `timeout`, `backpressure`,
   * `denied`, `too-large` or `closed`. Messages published in one tick keep their order.
   */
  publish(message: Message, options?: SendOptions): Promise<PublishReceipt>;
  /**
   * Delivers to `onDelivery` until stopped, at most `maxAckPending` unsettled at a time. An unsettled delivery is
   * not redelivered while this subscription runs. Rejects with `denied`, `unavailable`, `usage` or `closed`.
   */
  subscribe(options: SubscribeOptions, onDelivery: OnDelivery): Promise<Subscription>;
  /**
   * Whether any node has a durable that answers a command which this node publishes to this subject; `unknown`
   * where the command may leave the subnet. Rejects with `closed`, or with `denied` where it may not leave since
   * the subnet is not cleared for its reply.
   */
  handlersOf(subject: string): Promise<"some" | "none" | "unknown">;
  /**
   * Resolves with the first reply to this node's request of this id that `accepts` takes: any node that receives
   * the command may send anything. Listens from the moment of the call, before it returns. Rejects with the
   * signal's reason.
   */
  awaitReply(requestId: string, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message>;
  /**
   * Sends a command to the subnet's current listeners, to one subscription of each durable that answers it, and
   * stores it nowhere. Resolves with the first reply that `accepts` takes. Rejects at once with `no-handler` when
   * nobody listens, with `unavailable` when nothing was sent, and with `timeout` when the connection is lost before
   * the reply; else with `denied`, `backpressure`, `too-large`, `closed` or the signal's reason.
   */
  ask(message: Message, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message>;
  /** Stops subscriptions, waits for unsettled deliveries, then disconnects. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Remembers which effects have happened at which durable of a node, longer than any stream keeps their events. The
 * node's processes share it. An effect is looked up before it runs and marked afterwards: a crash between the two
 * repeats it.
 */
export interface Marks {
  /**
   * Whether the effect of `key` (32 hex digits) has happened; without a promise where the answer is in memory.
   * Throws or rejects with `unavailable` when the store does not answer, or when an effect could not be marked.
   * @param storedMs When the delivering stream stored the event.
   */
  has(durable: string, key: string, storedMs: number): boolean | Promise<boolean>;
  /**
   * Resolves once the mark is on disk. Marks of the same moment may share a promise. Rejects as `has` does.
   * @param isAwaited The next effect waits for it. Else the mark may wait a few milliseconds for others.
   */
  mark(durable: string, key: string, isAwaited: boolean): Promise<void>;
}

/** The place of marks: the member's disk, or a stream of its hub. */
export type MarksPlace = "member" | "hub";

/** A store of the user that commits mark and effect in one transaction, so no crash comes between them. */
export interface IdempotencyStore {
  /**
   * Runs `effect` unless the effect of `key` has happened at this durable of the node, and remembers it. Resolves
   * with whether it ran. Rejects with the error of `effect`, remembering nothing, or with the store's error.
   */
  once(durable: string, key: string, effect: (transaction: unknown) => Promise<void>): Promise<boolean>;
}

/** One schema's verdict on one event's data. */
export interface Validation {
  readonly valid: boolean;
  /** At most 20, in the order of discovery. */
  readonly violations: readonly Violation[];
}

/** The registry's contract for one event in one major version. */
export interface EventContract {
  readonly name: string;
  readonly version: number;
  readonly kind: EventKind;
  /** The schema's `$id`, else its file. */
  readonly schema: string;
  readonly requiredHeaders: readonly string[];
  /** Set for a command that may be lost: its subnet stores no requests of it. @default at least once */
  readonly delivery?: "at-most-once";
  /** The declared producers and consumers of a deprecated event. */
  readonly deprecated?: { readonly producers: readonly string[]; readonly consumers: readonly string[] };
  /** The rules for publishers. Violations name no classified value, and nothing within one. */
  validate(data: unknown): Validation;
  /**
   * The rules for receivers: undeclared fields are ignored, also where the schema forbids them. So publishers may
   * add fields before all readers know them.
   */
  validateReceived(data: unknown): Validation;
  /** Undefined where its schema classifies nothing. */
  readonly classified?: ClassifiedData;
}

/** Contracts by name and major version. Pure look-up: they are loaded before. */
export interface SchemaRegistry {
  /** Without a version: the highest that is not a draft. Throws MeshError `unknown-event`. */
  resolve(name: string, version?: number): EventContract;
  /** Calls `listener` after each change of contracts; the returned function stops it. */
  onChange(listener: () => void): () => void;
}

/** Structured log lines: fields first, then a fixed event name. */
export interface Logger {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}
