import { MeshError, type Message, type PublishReceipt, type SubscribeOptions } from "@adaos/core";
import {
  assertWithin,
  type Clock,
  DEFAULT_TENANT,
  type EventAddress,
  eventsStream,
  isReplySubject,
  MAX_EVENT_BYTES,
  memberConsumer,
  messageProblem,
  type NodeAddress,
  originTokenProblem,
  parseDeliverySubject,
  parseReplayTarget,
  parseReplySubject,
  parseSubject,
  quote,
  REAL_CLOCK,
  type ReplyAddress,
  type Timer,
  travellingHeaders,
} from "@adaos/core/wire";
import { copyOf, EventLog } from "./event-log.ts";
import { LocalDocuments } from "./local-documents.ts";
import { LocalDurable, type Taker } from "./local-durable.ts";
import { LocalTimers } from "./local-timers.ts";

/** The connection to the other subnets of a mesh. */
export interface Uplink {
  /** Called with every event that a node of this subnet has stored. */
  forward(message: Message, address: EventAddress): void;
  /** Called with every reply to a node of another subnet. */
  reply(message: Message, address: ReplyAddress): void;
  /** Whether a command is answered in another subnet. */
  isAnswered(address: EventAddress): boolean;
}

export interface LocalBrokerOptions {
  /** The subnet whose events it stores; the second token of their subjects. */
  readonly subnet: string;
  /** Largest number of stored messages; more are refused. 1 to 10000000. @default 100000 */
  readonly maxMessages?: number;
  /** Largest sum of stored bytes: bodies, subjects, ids and headers. 1 to 2^40. @default 64 MiB */
  readonly maxBytes?: number;
  /** How long a message id is recognised; 0 recognises none. 0 to 3600000. @default 120000 */
  readonly duplicateWindowMs?: number;
  /** Time after the end of a subscription until its deliveries are redelivered. 1 to 3600000. @default 5000 */
  readonly ackWaitMs?: number;
  /** @default none: this subnet is alone */
  readonly uplink?: Uplink;
  /** What its timers go by. @default the machine's clock */
  readonly clock?: Clock;
  /** Tenant of the events of timers. @default "default" */
  readonly tenant?: string;
  /** Throws `denied` for an event that a timer of this node must not publish. @default all may */
  readonly assertTimer?: (owner: NodeAddress, event: Timer["event"]) => void;
}

/**
 * Stores the events of one subnet, and the positions of its durables, in memory. It ends with the process. Opens
 * nothing and needs no closing.
 */
export class LocalBroker {
  readonly subnet: string;
  readonly stream: string;
  readonly duplicateWindowMs: number;
  readonly timers: LocalTimers;
  readonly #documents = new Map<string, LocalDocuments>();
  readonly #ackWaitMs: number;
  readonly #uplink: Uplink | undefined;
  readonly #log: EventLog;
  readonly #durables = new Map<string, LocalDurable>();
  readonly #waiting = new Set<{ readonly key: string; deliverReply(reply: Message): void }>();

  /** Throws `usage`. */
  constructor(options: LocalBrokerOptions) {
    const { subnet, maxMessages = 100_000, maxBytes = 64 * 1024 * 1024 } = options;
    const { duplicateWindowMs = 120_000, ackWaitMs = 5000 } = options;
    assertName("subnet", subnet);
    assertWithin("maxMessages", maxMessages, 1, 10_000_000);
    assertWithin("maxBytes", maxBytes, 1, 2 ** 40);
    assertWithin("duplicateWindowMs", duplicateWindowMs, 0, 3_600_000);
    assertWithin("ackWaitMs", ackWaitMs, 1, 3_600_000);
    this.subnet = subnet;
    this.stream = eventsStream(subnet);
    this.duplicateWindowMs = duplicateWindowMs;
    this.#ackWaitMs = ackWaitMs;
    this.#uplink = options.uplink;
    this.#log = new EventLog({ maxMessages, maxBytes, duplicateWindowMs });
    const { clock = REAL_CLOCK, tenant = DEFAULT_TENANT, assertTimer = () => undefined } = options;
    this.timers = new LocalTimers(this, { clock, tenant, assertAllowed: assertTimer });
  }

  /** Stores a message of `node`, or delivers a reply to its requester. Throws as `Transport.publish` rejects. */
  store(node: string, message: Message): PublishReceipt {
    if (isReplySubject(message.subject)) return this.#reply(node, message);
    const headers = checkedHeaders(message);
    const address = parseSubject(message.subject);
    this.#assertOrigin(node, address);
    const receipt = this.take({ ...message, headers }, address);
    // Also for a repetition: the first may not have found room everywhere.
    this.#uplink?.forward({ ...message, headers }, address);
    return receipt;
  }

  /** Stores an event of any origin, of its own subnet or imported. Throws `backpressure`. */
  take(message: Message, address: EventAddress): PublishReceipt {
    return this.#append(message, address);
  }

  /** Stores a replay for the durable that its subject names. Throws as `Transport.publish` rejects. */
  replay(message: Message): PublishReceipt {
    const { node, durable } = parseReplayTarget(message.subject);
    const headers = checkedHeaders(message);
    const address = parseDeliverySubject(message.subject);
    return this.#append({ ...message, headers }, address, memberConsumer(node, durable));
  }

  /** The documents of a node. */
  documentsOf(node: string): LocalDocuments {
    const documents = this.#documents.get(node) ?? new LocalDocuments();
    this.#documents.set(node, documents);
    return documents;
  }

  #append(message: Message, address: EventAddress, only?: string): PublishReceipt {
    const { seq, duplicate } = this.#log.append(message, address, only);
    if (!duplicate) for (const durable of this.#durables.values()) durable.wake();
    return { stream: this.stream, seq, duplicate };
  }

  /** Whether commands of this subject are answered, here or in another subnet. Throws `invalid-event`. */
  isAnswered(subject: string): boolean {
    const address = parseSubject(subject);
    return this.answers(address) || this.#uplink?.isAnswered(address) === true;
  }

  /** Whether a durable of this subnet answers such commands. */
  answers(address: EventAddress): boolean {
    return [...this.#durables.values()].some((durable) => durable.answers(address));
  }

  /**
   * Delivers a command of `node` without storing it, to one subscription of each durable that answers it. Throws as
   * `Transport.ask` rejects.
   */
  ask(node: string, message: Message): void {
    const headers = checkedHeaders(message);
    const address = parseSubject(message.subject);
    this.#assertOrigin(node, address);
    const asked = { ...message, headers };
    const taken = [...this.#durables.values()].filter(
      (durable) =>
        durable.answers(address) && durable.ask(asked, (reply) => void this.#reply(durable.node, reply)),
    );
    if (taken.length > 0) return;
    throw new MeshError("no-handler", `nobody listens to ${message.subject}; nothing was kept`);
  }

  /** Calls `deliverReply` with the first reply to this request of `node`. Returns a function that ends the wait. */
  onReply(node: string, requestId: string, deliverReply: (reply: Message) => void): () => void {
    const waiting = { key: `${node} ${requestId}`, deliverReply };
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  /** A reply is not stored: nobody else may read it, and its requester is in this process. */
  #reply(node: string, sent: Message): PublishReceipt {
    const message = { ...sent, headers: checkedHeaders(sent) };
    const address = parseReplySubject(message.subject);
    this.#assertOrigin(node, address.responder);
    if (address.requester.subnet === this.subnet) this.deliverReply(message);
    else this.#uplink?.reply(message, address);
    return { stream: this.stream, seq: 0, duplicate: false };
  }

  /** Delivers a reply to the node of this subnet that waits for it. */
  deliverReply(message: Message): void {
    const { requester, requestId } = parseReplySubject(message.subject);
    const wanted = `${requester.node} ${requestId}`;
    for (const { key, deliverReply } of [...this.#waiting]) if (key === wanted) deliverReply(copyOf(message));
  }

  #assertOrigin(node: string, origin: NodeAddress): void {
    if (origin.subnet === this.subnet && origin.node === node) return;
    const what = `${this.subnet}/${node} may not publish as ${origin.subnet}/${origin.node}`;
    throw new MeshError("denied", what, { rule: "origin" });
  }

  /** Whether a durable that takes this message has not settled it. */
  isUnsettled(address: EventAddress, seq: number): boolean {
    return [...this.#durables.values()].some((durable) => durable.isUnsettled(address, seq));
  }

  /** Adds a subscription of `node` to a durable, which it makes or changes first. Throws `usage`. */
  join(node: string, options: SubscribeOptions, taker: Taker): LocalDurable {
    assertName("durable", options.durable);
    assertWithin("maxAckPending", options.maxAckPending, 1, 10_000);
    const name = memberConsumer(node, options.durable);
    const durable =
      this.#durables.get(name) ?? new LocalDurable({ name, node }, this.#log, this.#ackWaitMs, options);
    this.#durables.set(name, durable);
    durable.join(taker, options);
    return durable;
  }
}

/** The headers that are stored. Throws `too-large` or `invalid-event`. */
function checkedHeaders(message: Message): Record<string, string> {
  // The same checks as in the adapter for nats-server, so programs behave the same there.
  const problem = messageProblem(message, MAX_EVENT_BYTES);
  if (problem !== undefined) throw problem;
  return travellingHeaders((name) => message.headers[name]);
}

function assertName(what: string, name: string): void {
  const problem = originTokenProblem(name);
  if (problem !== undefined) throw new MeshError("usage", `${what} ${quote(name)} ${problem}`);
}
