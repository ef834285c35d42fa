import type { MeshError, Message } from "@adaos/core";
import {
  type NodeAddress,
  parseReplySubject,
  type ReplyAddress,
  receivedReplyFilter,
} from "@adaos/core/wire";
import type { Msg, Subscription } from "nats";
import type { Connection } from "../connection/connection.ts";
import { headersOfMsg } from "../connection/message-headers.ts";

/** Interval of requests for a stored reply: the server may have sent one while the node was disconnected. */
const LOOK_MS = 2000;
/** Stored replies to one request that are read in one go. */
const MAX_LOOKED_AT = 20;

/** A stored reply and its place in the stream. */
export interface FoundReply {
  readonly seq: number;
  readonly reply: Message;
}

/** Fetches the next stored reply after this place; undefined when there is none. */
export type LookForReply = (requestId: string, after: number) => Promise<FoundReply | undefined>;

interface Waiter {
  /** Whether the reply is stored, so that a missed one can be fetched. */
  readonly isStored: boolean;
  /** Ends the wait if the reply is accepted. */
  offer(reply: Message): void;
}

/** A wait for the reply to one request. */
export interface AwaitedReply {
  readonly reply: Promise<Message>;
  /** Ends the wait: no reply will come. */
  fail(why: MeshError): void;
}

/**
 * Receives the replies to a node. Its hub's server forwards each when it is stored. A reply that came while the
 * connection was lost is fetched. Uses a connection and does not own it.
 */
export class Replies {
  readonly #connection: Connection;
  readonly #own: NodeAddress;
  readonly #look: LookForReply;
  /** By request. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  #subscription: Subscription | undefined;
  #looking: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;

  constructor(connection: Connection, own: NodeAddress, look: LookForReply) {
    this.#connection = connection;
    this.#own = own;
    this.#look = look;
  }

  /**
   * Resolves with the first accepted reply to this request; listens from now on. Rejects with the signal's reason, or
   * with the error given to `fail`.
   */
  await(
    requestId: string,
    signal: AbortSignal,
    accepts: (reply: Message) => boolean,
    isStored = true,
  ): AwaitedReply {
    this.#listen();
    let fail = (_: unknown): void => undefined;
    const reply = new Promise<Message>((resolve, reject) => {
      const end = (): void => {
        signal.removeEventListener("abort", onAbort);
        this.#remove(requestId, waiter);
      };
      fail = (why) => {
        end();
        reject(why);
      };
      const onAbort = (): void => fail(signal.reason);
      const waiter: Waiter = {
        isStored,
        offer: (offered) => {
          if (!accepts(offered)) return;
          end();
          resolve(offered);
        },
      };
      const others = this.#waiting.get(requestId);
      if (others === undefined) this.#waiting.set(requestId, new Set([waiter]));
      else others.add(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
    return { reply, fail };
  }

  /** Stops listening. A wait that is open ends by its own signal. */
  close(): void {
    this.#unlisten?.();
    this.#subscription?.unsubscribe();
    clearInterval(this.#looking);
  }

  #remove(requestId: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(requestId);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(requestId);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #listen(): void {
    this.#subscription ??= this.#connection.nc.subscribe(receivedReplyFilter(this.#own), {
      callback: (error, msg) => {
        if (error === null) this.#onReply(msg);
      },
    });
    this.#unlisten ??= this.#connection.listen({ onReconnect: () => void this.#lookForAll() });
    this.#looking ??= setInterval(() => void this.#lookForAll(), LOOK_MS);
  }

  #onReply(msg: Msg): void {
    const { subject, data: body } = msg;
    this.#offer({ subject, id: "", headers: headersOfMsg(msg), body });
  }

  /** Offers it to the waits for it. There is none when it is for another process of the node, or unexpected. */
  #offer(reply: Message): void {
    let address: ReplyAddress;
    try {
      address = parseReplySubject(reply.subject);
    } catch {
      return;
    }
    const { requester, requestId } = address;
    if (requester.subnet !== this.#own.subnet || requester.node !== this.#own.node) return;
    for (const waiter of [...(this.#waiting.get(requestId) ?? [])]) waiter.offer({ ...reply, id: requestId });
  }

  async #lookForAll(): Promise<void> {
    if (!this.#connection.connected) return;
    for (const [requestId, waiters] of [...this.#waiting]) {
      if ([...waiters].some(({ isStored }) => isStored)) await this.#lookFor(requestId);
    }
  }

  async #lookFor(requestId: string): Promise<void> {
    let after = 0;
    for (let looked = 0; looked < MAX_LOOKED_AT; looked++) {
      const found = await this.#look(requestId, after).catch(() => undefined);
      if (found === undefined) return;
      after = found.seq;
      this.#offer(found.reply);
    }
  }
}
