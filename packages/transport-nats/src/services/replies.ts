import type { Message } from "@adaos/core";
import {
  type NodeAddress,
  parseReplySubject,
  type ReplyAddress,
  receivedReplyFilter,
} from "@adaos/core/wire";
import type { Msg, Subscription } from "nats";
import type { Connection } from "../connection/connection.ts";
import { headersOfMsg } from "../connection/message-headers.ts";

/** How often a stored reply is asked for: one may have been handed on while nobody was connected. */
const LOOK_MS = 2000;
/** Stored replies to one request that are looked at in one go. */
const MAX_LOOKED_AT = 20;

/** A stored reply and its place in the stream. */
export interface FoundReply {
  readonly seq: number;
  readonly reply: Message;
}

/** Fetches the next stored reply after this place; nothing when there is none. */
export type LookForReply = (requestId: string, after: number) => Promise<FoundReply | undefined>;

interface Waiter {
  readonly requestId: string;
  /** Ends the wait if it is the one. */
  offer(reply: Message): void;
}

/**
 * The replies to a node. Its hub's server hands each on as it is stored; one that came during a lost connection is
 * asked for. Uses a connection and does not own it.
 */
export class Replies {
  readonly #connection: Connection;
  readonly #own: NodeAddress;
  readonly #look: LookForReply;
  readonly #waiting = new Set<Waiter>();
  #subscription: Subscription | undefined;
  #looking: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;

  constructor(connection: Connection, own: NodeAddress, look: LookForReply) {
    this.#connection = connection;
    this.#own = own;
    this.#look = look;
  }

  /**
   * Resolves with the first reply to this request that is accepted; listens from now on. Rejects with the signal's
   * reason.
   */
  await(requestId: string, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message> {
    this.#listen();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(waiter);
        if (this.#waiting.size > 0) return;
        clearInterval(this.#looking);
        this.#looking = undefined;
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason);
      };
      const waiter: Waiter = {
        requestId,
        offer: (reply) => {
          if (!accepts(reply)) return;
          end();
          resolve(reply);
        },
      };
      this.#waiting.add(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** Listens no more. Who still waits is left to his signal. */
  close(): void {
    this.#unlisten?.();
    this.#subscription?.unsubscribe();
    clearInterval(this.#looking);
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

  /** To whoever waits for it: nobody when it is for the node's other processes, or none at all. */
  #offer(reply: Message): void {
    let address: ReplyAddress;
    try {
      address = parseReplySubject(reply.subject);
    } catch {
      return;
    }
    const { requester, requestId } = address;
    if (requester.subnet !== this.#own.subnet || requester.node !== this.#own.node) return;
    for (const waiter of [...this.#waiting]) {
      if (waiter.requestId === requestId) waiter.offer({ ...reply, id: requestId });
    }
  }

  async #lookForAll(): Promise<void> {
    if (!this.#connection.connected) return;
    for (const requestId of new Set([...this.#waiting].map((waiter) => waiter.requestId))) {
      await this.#lookFor(requestId);
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
