import { type Message, type NodeAddress, parseReplySubject, REPLIED_ROOT } from "@adaos/core";
import type { Msg, Subscription } from "nats";
import type { Connection } from "./connection.ts";
import { headersOfMsg } from "./message-headers.ts";

/** How often a stored reply is asked for: one may have been handed on while nobody was connected. */
const LOOK_MS = 2000;

/** Fetches a stored reply; nothing when there is none. */
export type LookForReply = (requestId: string) => Promise<Message | undefined>;

/**
 * The replies to a node. Its hub's server hands each on as it is stored; one that came during a lost connection is asked
 * for. Uses a connection and does not own it.
 */
export class Replies {
  readonly #connection: Connection;
  readonly #subject: string;
  readonly #look: LookForReply;
  readonly #waiting = new Map<string, (reply: Message) => void>();
  #subscription: Subscription | undefined;
  #looking: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;

  constructor(connection: Connection, { subnet, node }: NodeAddress, look: LookForReply) {
    this.#connection = connection;
    this.#subject = `${REPLIED_ROOT}.*.${subnet}.${node}.>`;
    this.#look = look;
  }

  /** Resolves with the first reply to this request; listens from now on. Rejects with the signal's reason. */
  await(requestId: string, signal: AbortSignal): Promise<Message> {
    this.#subscription ??= this.#connection.nc.subscribe(this.#subject, {
      callback: (error, msg) => {
        if (error === null) this.#onReply(msg);
      },
    });
    this.#unlisten ??= this.#connection.listen({ onReconnect: () => void this.#lookForAll() });
    this.#looking ??= setInterval(() => void this.#lookForAll(), LOOK_MS);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(requestId);
        if (this.#waiting.size > 0) return;
        clearInterval(this.#looking);
        this.#looking = undefined;
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason);
      };
      this.#waiting.set(requestId, (reply) => {
        end();
        resolve(reply);
      });
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

  #onReply(msg: Msg): void {
    const { subject, data: body } = msg;
    let requestId: string;
    try {
      ({ requestId } = parseReplySubject(subject));
    } catch {
      // Whatever else it is, nobody waits for it.
      return;
    }
    // Of the node's other processes when nobody here asked, or a second answer.
    this.#waiting.get(requestId)?.({ subject, id: requestId, headers: headersOfMsg(msg), body });
  }

  async #lookForAll(): Promise<void> {
    if (!this.#connection.connected) return;
    for (const requestId of [...this.#waiting.keys()]) {
      const reply = await this.#look(requestId).catch(() => undefined);
      if (reply !== undefined) this.#waiting.get(requestId)?.(reply);
    }
  }
}
