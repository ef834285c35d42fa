import type { Logger, Settlement } from "@adaos/core";
import { delay, every, RecentMap } from "@adaos/core/wire";
import type { Msg } from "nats";
import type { Connection } from "../connection/connection.ts";
import { type RawAnswer, respondRaw } from "../connection/raw-publish.ts";
import type { AckSubject } from "./ack-subject.ts";
import { OrderGate } from "./order-gate.ts";
import { PullLoop, type PullState } from "./pull-loop.ts";

export interface PullConsumerOptions {
  readonly stream: string;
  readonly consumer: string;
  /** Where the JetStream API of that stream is found. @default "$JS.API" */
  readonly apiPrefix?: string;
  /** Messages requested at a time. @default 500 */
  readonly batchMessages?: number;
  /** The consumer's `ack_wait`; held deliveries are extended three times within it. */
  readonly ackWaitMs: number;
  readonly log: Logger;
  /** The consumer does not exist: called, at most every few seconds, until it does. */
  readonly onMissing: () => void;
  readonly onState?: (state: PullState) => void;
  /**
   * How long after the last request a stop hands back messages that still come. A server with leaf nodes or gateways
   * sends to a pull younger than 2 s without checking for a subscriber. Without a hand-back, such messages wait until
   * the ack wait passes.
   * @default 0
   */
  readonly handBackMs?: number;
  /** Whether the messages of a process that ended come before later ones. @default false */
  readonly inOrder?: boolean;
}

/** One message handed over, to be settled exactly once. */
export interface PulledMessage {
  readonly msg: Msg;
  readonly seq: number;
  readonly storedMs: number;
  readonly deliveryCount: number;
  settle(settlement: Settlement): void;
}

/** Long: with requests of 2 s, a server stopped for 8 s delivered events late to a member (seen twice). */
const EXPIRES_MS = 10_000;
const MAX_TICK_MS = 1000;
const HANDED_BACK_MS = 100;
/** An overloaded server redelivers later than the ack wait. */
const LATE_ACK_WAITS = 1.5;
const INFO_MS = 2000;
/** Settlements remembered in case the connection drops before the server has them. */
const REMEMBERED = 4096;
/**
 * A write to the socket costs more than handling an event: settlements are collected for this time or up to this
 * number.
 */
const GATHER_MS = 1;
const MAX_GATHERED = 128;

/** A recreated stream counts from 1 again: the same number is another message, stored at another time. */
const SAME_WITHIN_MS = 1;

/** A final settlement, and of which message. */
interface Settled {
  readonly storedMs: number;
  readonly word: string;
}

/**
 * Pulls from one durable for as long as it lives: across reconnects, restarts of the server, and the loss of the
 * durable. Hands over each message once. A redelivery during the work, or after a lost acknowledgement, is not handed
 * over again.
 */
export class PullConsumer {
  readonly #connection: Connection;
  readonly #options: Required<Omit<PullConsumerOptions, "onState">>;
  readonly #onMessage: (message: PulledMessage) => void;
  readonly #loop: PullLoop;
  #gate: OrderGate | undefined;
  readonly #unlisten: () => void;
  /** By number in the stream, as the settled ones. */
  readonly #held = new Map<number, Held>();
  readonly #settled = new RecentMap<number, Settled>(REMEMBERED);
  /** Settlements that go out together. */
  #unsent: RawAnswer[] = [];
  #sender: NodeJS.Timeout | undefined;
  readonly #stopTicking: () => void;
  readonly #onIdle = new Set<() => void>();
  #stopped: Promise<void> | undefined;
  /** Aborted when a stop expects nothing more from the last pull. */
  readonly #pullOver = new AbortController();

  constructor(
    connection: Connection,
    { onState, ...options }: PullConsumerOptions,
    onMessage: (message: PulledMessage) => void,
  ) {
    this.#connection = connection;
    this.#options = { apiPrefix: "$JS.API", batchMessages: 500, handBackMs: 0, inOrder: false, ...options };
    this.#onMessage = onMessage;
    this.#loop = new PullLoop(connection, {
      ...this.#options,
      onState,
      requests: 1,
      expiresMs: EXPIRES_MS,
      nextSize: () => {
        if (this.#gate?.hasLooked === false) return undefined;
        if (this.#stopped === undefined) return { batch: this.#options.batchMessages };
        this.#pullOver.abort();
        return undefined;
      },
      onMessage: (msg, { at }) => this.#onDelivered(msg, at),
    });
    this.#gate = this.#options.inOrder ? this.#newGate() : undefined;
    this.#unlisten = connection.listen({
      onReconnect: () => {
        if (this.#gate?.isOpen === true && this.#stopped === undefined) this.#gate = this.#newGate();
      },
    });
    this.#stopTicking = every(Math.min(options.ackWaitMs / 3, MAX_TICK_MS), () => this.#tick());
    this.#loop.fill();
  }

  /** Messages handed over and not settled yet. */
  get held(): number {
    return this.#held.size;
  }

  /**
   * Stops pulling, then waits at most `graceMs` until all messages that were handed over are settled. Safe to call
   * twice.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#endPull();
    // The receiver, which is stopping, hands back the messages that the gate kept.
    this.#gate?.open();
    if (this.#held.size > 0) await this.#idleWithin(graceMs);
    await this.#stopped;
    this.#stopTicking();
    this.#unlisten();
    this.#send();
  }

  #newGate(): OrderGate {
    return new OrderGate({
      state: () => this.#loop.info(INFO_MS),
      held: () => this.#held.size,
      limitMs: this.#options.ackWaitMs * LATE_ACK_WAITS,
      onLooked: () => this.#loop.fill(),
    });
  }

  async #endPull(): Promise<void> {
    this.#loop.quiet();
    const handBackMs = this.#handBackMs();
    const mayCome = this.#loop.left > 0 && this.#connection.connected && !this.#connection.nc.isClosed();
    if (handBackMs > 0 && mayCome) await delay(handBackMs, this.#pullOver.signal);
    this.#loop.end();
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

  /** How long from now the server may send to us without checking for a subscriber. */
  #handBackMs(): number {
    return this.#loop.askedMs + this.#options.handBackMs - performance.now();
  }

  #onDelivered(msg: Msg, { seq, deliveryCount, storedMs }: AckSubject): void {
    const settled = this.#settled.get(seq);
    if (settled !== undefined && isSame(settled, storedMs)) {
      this.#respond(msg, settled.word);
      return;
    }
    const held = this.#held.get(seq);
    if (held !== undefined && isSame(held, storedMs)) {
      held.msg = msg;
      return;
    }
    if (this.#stopped !== undefined) {
      // Delayed until this pull cannot receive it again.
      this.#respond(msg, settlementWord({ kind: "nak", delayMs: this.#handBackMs() + HANDED_BACK_MS }));
      return;
    }
    const fresh = new Held(msg, { seq, storedMs, deliveryCount }, this.#onSettle);
    this.#held.set(seq, fresh);
    if (this.#gate === undefined) this.#onMessage(fresh);
    else this.#gate.take(seq, () => this.#onMessage(fresh));
  }

  readonly #onSettle = (held: Held, settlement: Settlement): void => {
    const { seq, storedMs, msg } = held;
    if (this.#held.get(seq) !== held) return;
    this.#held.delete(seq);
    const word = settlementWord(settlement);
    this.#respond(msg, word);
    if (settlement.kind !== "nak") this.#settled.set(seq, { storedMs, word });
    if (this.#held.size === 0) for (const tell of this.#onIdle) tell();
  };

  #respond(msg: Msg, word: string): void {
    this.#unsent.push({ msg, word });
    if (this.#unsent.length >= MAX_GATHERED) this.#send();
    else this.#sender ??= setTimeout(() => this.#send(), GATHER_MS);
  }

  /** A settlement that cannot be sent becomes a redelivery later, to the client that pulls then. */
  #send(): void {
    clearTimeout(this.#sender);
    this.#sender = undefined;
    const unsent = this.#unsent;
    this.#unsent = [];
    if (this.#connection.nc.isClosed()) return;
    respondRaw(this.#connection.nc, unsent);
  }

  #tick(): void {
    this.#loop.tick();
    if (!this.#connection.connected) return;
    const nowMs = performance.now();
    for (const held of this.#held.values()) {
      if (nowMs - held.sinceMs >= this.#options.ackWaitMs / 3) this.#respond(held.msg, "+WPI");
    }
  }
}

/** A message that was handed over, until it is settled. */
class Held implements PulledMessage {
  /** Message of its newest delivery. */
  msg: Msg;
  readonly seq: number;
  readonly storedMs: number;
  readonly deliveryCount: number;
  readonly sinceMs: number = performance.now();
  readonly settle: (settlement: Settlement) => void;

  constructor(
    msg: Msg,
    { seq, storedMs, deliveryCount }: Pick<AckSubject, "seq" | "storedMs" | "deliveryCount">,
    onSettle: (held: Held, settlement: Settlement) => void,
  ) {
    this.msg = msg;
    this.seq = seq;
    this.storedMs = storedMs;
    this.deliveryCount = deliveryCount;
    this.settle = (settlement) => onSettle(this, settlement);
  }
}

function isSame(known: { readonly storedMs: number }, storedMs: number): boolean {
  return Math.abs(known.storedMs - storedMs) < SAME_WITHIN_MS;
}

function settlementWord(settlement: Settlement): string {
  switch (settlement.kind) {
    case "ack":
      return "+ACK";
    case "nak":
      // Never bare: the server would redeliver at once, again and again.
      return `-NAK ${JSON.stringify({ delay: Math.max(1, settlement.delayMs) * 1e6 })}`;
    case "term":
      return `+TERM ${settlement.reason.replaceAll(/[^ -~]/g, " ").slice(0, 200)}`;
  }
}
