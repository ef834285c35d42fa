import { durableRequestSubject, type Logger } from "@adaos/core";
import type { Part, PartHealth } from "@adaos/daemon";
import type { Connection } from "@adaos/transport-nats";
import type { Subscription } from "nats";
import type { DurableDesk } from "./durable-desk.ts";

/** Listens for members that ask for a durable. The subject they ask on says who they are. */
export class DurableService implements Part {
  readonly name = "durables";
  readonly #connection: Connection;
  readonly #desk: DurableDesk;
  readonly #log: Logger;
  #subscription: Subscription | undefined;
  #unlisten: (() => void) | undefined;
  #answered = 0;

  constructor(connection: Connection, desk: DurableDesk, log: Logger) {
    this.#connection = connection;
    this.#desk = desk;
    this.#log = log;
  }

  async start(): Promise<void> {
    await this.#desk.restoreGrants();
    // A server that came back has read its file, which may be older than what has been granted since.
    this.#unlisten = this.#connection.listen({ onReconnect: () => void this.#restore() });
    this.#subscription = this.#connection.nc.subscribe(durableRequestSubject("*"), {
      callback: (error, msg) => {
        const node = msg.subject.split(".")[2];
        if (error !== null || node === undefined) return;
        void this.#desk.answer(node, msg.data).then((reply) => {
          this.#answered++;
          msg.respond(JSON.stringify(reply));
        });
      },
    });
  }

  async stop(): Promise<void> {
    this.#unlisten?.();
    this.#subscription?.unsubscribe();
  }

  health(): PartHealth {
    const details = { answered: this.#answered };
    return this.#connection.connected
      ? { ready: true, details }
      : { ready: false, reason: "the server is away", details };
  }

  async #restore(): Promise<void> {
    try {
      await this.#desk.restoreGrants();
    } catch (err) {
      this.#log.warn({ err }, "grants not restored");
    }
  }
}
