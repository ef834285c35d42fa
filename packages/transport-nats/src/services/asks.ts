import { MeshError, type Message, type SubscribeOptions } from "@adaos/core";
import {
  ASKED_ROOT,
  answerSubject,
  askedEvent,
  askSubject,
  MAX_EVENT_BYTES,
  messageProblem,
  type NodeAddress,
  type OnDelivery,
  patternToFilter,
} from "@adaos/core/wire";
import type { Msg, Subscription } from "nats";
import type { Connection } from "../connection/connection.ts";
import { headersOfMsg, idOfMsg } from "../connection/message-headers.ts";
import { headerBlock, publishRaw } from "../connection/raw-publish.ts";
import type { AwaitedReply, Replies } from "./replies.ts";

/**
 * A server that reads its config knows neither rights nor subscribers for a moment: after such an answer, ask again.
 */
const AGAIN_MS = 100;
/** A durable that policy forbids to listen may be allowed later. */
const LISTEN_AGAIN_MS = 2000;

/** A command on its way. */
interface Asked {
  readonly message: Message;
  readonly subject: string;
  readonly awaited: AwaitedReply;
  wasSentAgain: boolean;
}

/** A subscription to the commands of one durable. */
export interface Listening {
  /** Takes no more commands, and waits at most `graceMs` until those it took have ended. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Sends and takes commands without storage. When nobody listens, the server says so to the inbox that a command names.
 * A handler's reply comes like all replies, under its own name. Uses a connection and does not own it.
 */
export class Asks {
  readonly #connection: Connection;
  readonly #own: NodeAddress;
  readonly #replies: Replies;
  readonly #inbox: string;
  readonly #asked = new Map<string, Asked>();
  readonly #unlisten: () => void;
  #subscription: Subscription | undefined;
  #count = 0;

  constructor(connection: Connection, own: NodeAddress, replies: Replies) {
    this.#connection = connection;
    this.#own = own;
    this.#replies = replies;
    this.#inbox = connection.newInbox();
    this.#unlisten = connection.listen({
      onDisconnect: () => this.#failAll(lost(), () => true),
      onPublishDenied: (subject) => this.#onDenied(subject),
    });
  }

  /** As {@link Transport.ask}. */
  async ask(message: Message, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message> {
    const { nc, connected } = this.#connection;
    if (nc.isClosed()) throw new MeshError("closed", "the connection is closed");
    const problem = messageProblem(
      message,
      Math.min(MAX_EVENT_BYTES, nc.info?.max_payload ?? MAX_EVENT_BYTES),
    );
    if (problem !== undefined) throw problem;
    // Do not send while the server is away: the client drops its buffer at the reconnect.
    if (!connected) throw new MeshError("unavailable", "the hub is away; nothing was sent");
    this.#subscription ??= nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null && msg.headers?.code === 503) this.#onNobody(tokenOf(msg, this.#inbox));
      },
    });
    const awaited = this.#replies.await(message.id, signal, accepts, false);
    const token = (this.#count++).toString(36);
    const asked = { message, subject: askSubject(message.subject), awaited, wasSentAgain: false };
    this.#asked.set(token, asked);
    try {
      if (!signal.aborted) this.#send(token, asked);
      return await awaited.reply;
    } finally {
      this.#asked.delete(token);
    }
  }

  /** Takes the commands of a durable; the server gives each to one of the processes that name it. */
  listen({ durable, pattern, from }: SubscribeOptions, onDelivery: OnDelivery): Listening {
    const { subnet } = this.#own;
    // Commands from another subnet come from the stream.
    if (from.subnet !== undefined && from.subnet !== subnet) return { stop: () => Promise.resolve() };
    const filter = patternToFilter(pattern, { ...from, subnet }, ASKED_ROOT);
    return new Listener(this.#connection, filter, durable, onDelivery);
  }

  close(): void {
    this.#unlisten();
    this.#subscription?.unsubscribe();
  }

  #send(token: string, { message, subject }: Asked): void {
    const { nc, ids } = this.#connection;
    const headers = headerBlock(message.headers, `Nats-Msg-Id: ${ids.of(message.subject, message.id)}\r\n`);
    publishRaw(nc, [{ subject, headers, body: message.body, reply: `${this.#inbox}.${token}` }]);
  }

  #onNobody(token: string): void {
    const asked = this.#asked.get(token);
    if (asked === undefined) return;
    const nobody = new MeshError("no-handler", `nobody listens to ${asked.subject}; nothing was kept`);
    this.#again(token, asked, nobody);
  }

  #onDenied(subject: string): void {
    for (const [token, asked] of [...this.#asked]) {
      if (asked.subject !== subject) continue;
      this.#again(token, asked, new MeshError("denied", `the server refused a publish to ${subject}`));
    }
  }

  /** Nobody received the command, whatever the server's answer: sending it once more cannot double it. */
  #again(token: string, asked: Asked, why: MeshError): void {
    if (asked.wasSentAgain) return asked.awaited.fail(why);
    asked.wasSentAgain = true;
    setTimeout(() => {
      if (!this.#asked.has(token)) return;
      if (this.#connection.connected && !this.#connection.nc.isClosed()) this.#send(token, asked);
      else asked.awaited.fail(why);
    }, AGAIN_MS);
  }

  #failAll(why: MeshError, which: (asked: Asked) => boolean): void {
    for (const asked of [...this.#asked.values()]) if (which(asked)) asked.awaited.fail(why);
  }
}

/** One subscription of a durable to commands that are not stored. */
class Listener implements Listening {
  readonly #connection: Connection;
  readonly #filter: string;
  readonly #queue: string;
  readonly #onDelivery: OnDelivery;
  readonly #onIdle = new Set<() => void>();
  #subscription: Subscription | undefined;
  #again: NodeJS.Timeout | undefined;
  #open = 0;
  #stopped = false;

  constructor(connection: Connection, filter: string, queue: string, onDelivery: OnDelivery) {
    this.#connection = connection;
    this.#filter = filter;
    this.#queue = queue;
    this.#onDelivery = onDelivery;
    this.#subscribe();
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#again);
    if (!this.#connection.nc.isClosed()) this.#subscription?.unsubscribe();
    if (this.#open > 0) await this.#idleWithin(graceMs);
  }

  #subscribe(): void {
    if (this.#stopped || this.#connection.nc.isClosed()) return;
    this.#subscription = this.#connection.nc.subscribe(this.#filter, {
      queue: this.#queue,
      callback: (error, msg) => {
        if (error === null) this.#take(msg);
        // The server has ended the subscription: policy forbids it, or does not allow it yet.
        else this.#again = setTimeout(() => this.#subscribe(), LISTEN_AGAIN_MS);
      },
    });
  }

  #take(msg: Msg): void {
    this.#open++;
    let isOpen = true;
    this.#onDelivery({
      message: {
        subject: askedEvent(msg.subject),
        id: idOfMsg(msg),
        headers: headersOfMsg(msg),
        body: msg.data,
      },
      stream: "",
      seq: 0,
      storedMs: Date.now(),
      deliveryCount: 1,
      settle: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#open--;
        if (this.#open === 0) for (const tell of this.#onIdle) tell();
      },
      answer: (reply) => this.#answer(reply),
    });
  }

  #answer(reply: Message): void {
    const { nc, connected } = this.#connection;
    const problem = messageProblem(reply, Math.min(MAX_EVENT_BYTES, nc.info?.max_payload ?? MAX_EVENT_BYTES));
    if (problem !== undefined) throw problem;
    if (!connected || nc.isClosed()) return;
    publishRaw(nc, [
      { subject: answerSubject(reply.subject), headers: headerBlock(reply.headers, ""), body: reply.body },
    ]);
  }

  #idleWithin(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onIdle.delete(done);
        resolve();
      };
      const timer = setTimeout(done, graceMs);
      this.#onIdle.add(done);
    });
  }
}

function tokenOf({ subject }: Msg, inbox: string): string {
  return subject.slice(inbox.length + 1);
}

function lost(): MeshError {
  return new MeshError("timeout", "the connection was lost before the reply came; the handler may have run");
}
