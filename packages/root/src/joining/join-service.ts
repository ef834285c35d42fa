import type { Logger } from "@adaos/core";
import { every, joinSubject, messageOf } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import type { Connection } from "@adaos/transport-nats";
import type { Msg, Subscription } from "nats";
import type { LeafGate } from "./leaf-gate.ts";
import { Turns } from "./turns.ts";

/** Decides about joining: the process around the root daemon, which has the keys of the mesh. */
export interface JoinHandler {
  /** Public nkeys of the open invitations, by invitation. */
  open(): ReadonlyMap<string, string>;
  /** Answers a request of an invitation's holder. Never rejects. */
  answer(invitation: string, request: Uint8Array): Promise<Uint8Array>;
}

/** Interval of checks for open invitations: a joining machine gives up after a second. */
const LOOK_MS = 250;
/** A hub sends the keys of all its members, about 90 bytes each: room for ten thousand. */
const MAX_REQUEST_BYTES = 1_048_576;
const NOTHING = new Uint8Array();

/** Admits open invitations at the root's server, and passes their requests to the handler, one after the other. */
export class JoinService implements Part {
  readonly name = "joining";
  readonly #connection: Connection;
  readonly #gate: LeafGate;
  readonly #reception: JoinHandler;
  readonly #log: Logger;
  #stopLooking: () => void = () => undefined;
  #subscription: Subscription | undefined;
  #looking: Promise<void> | undefined;
  #invited: ReadonlyMap<string, string> = new Map();
  #trouble: string | undefined;
  readonly #turns = new Turns();
  #answering: Promise<void> = Promise.resolve();

  constructor(connection: Connection, gate: LeafGate, reception: JoinHandler, log: Logger) {
    this.#connection = connection;
    this.#gate = gate;
    this.#reception = reception;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#subscription = this.#connection.nc.subscribe(joinSubject("*"), {
      // Only one of several root daemons answers.
      queue: "joining",
      callback: (error, msg) => {
        if (error === null) this.#take(msg);
      },
    });
    this.#look();
    this.#stopLooking = every(LOOK_MS, () => this.#look());
  }

  async stop(): Promise<void> {
    this.#stopLooking();
    this.#subscription?.unsubscribe();
    await this.#looking;
    await this.#answering;
  }

  health(): PartHealth {
    const details = { open: [...this.#invited.keys()] };
    return this.#trouble === undefined
      ? { ready: true, details }
      : { ready: false, reason: this.#trouble, details };
  }

  #look(): void {
    this.#looking ??= this.#invite().finally(() => {
      this.#looking = undefined;
    });
  }

  async #invite(): Promise<void> {
    try {
      const open = this.#reception.open();
      const isSame =
        open.size === this.#invited.size && [...open.keys()].every((id) => this.#invited.has(id));
      if (isSame && this.#trouble === undefined) return;
      await this.#gate.invite(open);
      this.#invited = open;
      this.#trouble = undefined;
      this.#log.info({ open: [...open.keys()] }, "invitations changed");
    } catch (err) {
      const trouble = `invitations are not in force: ${messageOf(err)}`;
      if (trouble !== this.#trouble) this.#log.warn({ err }, "invitations not in force");
      this.#trouble = trouble;
    }
  }

  #take(msg: Msg): void {
    const invitation = msg.subject.slice(joinSubject("").length);
    if (msg.data.length > MAX_REQUEST_BYTES || !this.#turns.enter(invitation, performance.now())) {
      msg.respond(NOTHING);
      return;
    }
    this.#answering = this.#answering.then(async () => {
      try {
        msg.respond(await this.#reception.answer(invitation, msg.data));
      } catch (err) {
        this.#log.error({ invitation, err }, "invitation not answered");
      }
      this.#turns.leave(invitation);
    });
  }
}
