import { type Message, patternMatches, type Settlement, type SubscribeOptions } from "@adaos/core";
import type { EventAddress } from "@adaos/core/wire";
import type { EventLog, LogEntry } from "./event-log.ts";

/** One attempt at one message. */
export interface Attempt {
  readonly entry: LogEntry;
  /** 1 for the first. */
  readonly count: number;
}

/** A subscription that takes deliveries of a durable. */
export interface Taker {
  take(attempt: Attempt): void;
  /** Takes a command that is stored nowhere. */
  asked(message: Message, answer: (reply: Message) => void): void;
}

/** A delivered message that is unsettled. */
interface Pending {
  readonly attempt: Attempt;
  /** The subscription with the delivery; undefined while it waits for redelivery. */
  taker: Taker | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Deliveries without a break; then timers and I/O of the process have their turn. */
const MAX_AT_ONCE = 256;

/** A position in the log and its unsettled messages, shared by the subscriptions that name it. */
export class LocalDurable {
  readonly #name: string;
  /** Its owner. */
  readonly node: string;
  readonly #log: EventLog;
  readonly #ackWaitMs: number;
  #interest: SubscribeOptions;
  #nextSeq: number;
  readonly #pending = new Map<number, Pending>();
  /** Numbers of pending messages whose wait is over, lowest first. */
  readonly #due: number[] = [];
  /** The first taker gets the next delivery. */
  readonly #takers: Taker[] = [];
  #scheduled = false;

  constructor(
    { name, node }: { readonly name: string; readonly node: string },
    log: EventLog,
    ackWaitMs: number,
    interest: SubscribeOptions,
  ) {
    this.#name = name;
    this.node = node;
    this.#log = log;
    this.#ackWaitMs = ackWaitMs;
    this.#interest = interest;
    this.#nextSeq = interest.startAt === "all" ? 1 : log.lastSeq + 1;
  }

  /** Adds a subscription. Its filter and limits apply to the whole durable; its start no longer matters. */
  join(taker: Taker, interest: SubscribeOptions): void {
    this.#interest = interest;
    this.#takers.push(taker);
    this.wake();
  }

  /** Ends deliveries to a subscription. Its unsettled deliveries stay with it. */
  leave(taker: Taker): void {
    const index = this.#takers.indexOf(taker);
    if (index >= 0) this.#takers.splice(index, 1);
  }

  /** Redelivers the unsettled deliveries of an ended subscription after the ack wait. */
  release(taker: Taker): void {
    for (const pending of this.#pending.values()) {
      if (pending.taker === taker) this.#handOutLater(pending, this.#ackWaitMs);
    }
  }

  /**
   * Settles an attempt. An `ack` or `term` settles the message, even if it was redelivered since; a late `nak` does
   * nothing.
   */
  settle(attempt: Attempt, settlement: Settlement): void {
    const { seq } = attempt.entry;
    const pending = this.#pending.get(seq);
    if (pending === undefined) return;
    if (settlement.kind === "nak") {
      if (pending.attempt === attempt) this.#handOutLater(pending, settlement.delayMs);
      return;
    }
    clearTimeout(pending.timer);
    this.#pending.delete(seq);
    const index = this.#due.indexOf(seq);
    if (index >= 0) this.#due.splice(index, 1);
    this.wake();
  }

  /** Whether an event that it handles, and not only looks at, is not settled yet, or not even delivered. */
  isUnsettled(address: EventAddress, seq: number): boolean {
    return this.#interest.answers && this.#takes(address) && (seq >= this.#nextSeq || this.#pending.has(seq));
  }

  /** Delivers available messages soon, but never within the call that stores or settles. */
  wake(): void {
    if (this.#scheduled || this.#takers.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#handOut();
    });
  }

  #handOutLater(pending: Pending, delayMs: number): void {
    pending.taker = undefined;
    clearTimeout(pending.timer);
    pending.timer = setTimeout(
      () => {
        const { seq } = pending.attempt.entry;
        const after = this.#due.findLastIndex((other) => other < seq);
        this.#due.splice(after + 1, 0, seq);
        this.wake();
      },
      Math.max(1, delayMs),
    );
    pending.timer.unref();
  }

  #handOut(): void {
    for (let i = 0; i < MAX_AT_ONCE; i++) {
      const taker = this.#takers[0];
      const attempt = taker === undefined ? undefined : this.#nextAttempt();
      if (taker === undefined || attempt === undefined) return;
      this.#takers.push(...this.#takers.splice(0, 1));
      this.#pending.set(attempt.entry.seq, { attempt, taker, timer: undefined });
      taker.take(attempt);
    }
    this.wake();
  }

  /** Redeliveries first: they are older, and already count as pending. */
  #nextAttempt(): Attempt | undefined {
    const due = this.#due.shift();
    const again = due === undefined ? undefined : this.#pending.get(due)?.attempt;
    if (again !== undefined) return { entry: again.entry, count: again.count + 1 };
    if (this.#pending.size >= this.#interest.maxAckPending) return undefined;
    for (let entry = this.#log.at(this.#nextSeq); entry !== undefined; entry = this.#log.at(this.#nextSeq)) {
      this.#nextSeq++;
      const isTaken = entry.only === undefined ? this.#takes(entry.address) : entry.only === this.#name;
      if (isTaken) return { entry, count: 1 };
    }
    return undefined;
  }

  /** Whether commands of this origin and name are answered here. */
  answers(address: EventAddress): boolean {
    return this.#interest.answers && this.#takes(address);
  }

  /** Delivers an unstored command to one subscription. Returns whether there is one. */
  ask(message: Message, answer: (reply: Message) => void): boolean {
    const taker = this.#nextTaker();
    if (taker === undefined) return false;
    setImmediate(() => taker.asked(message, answer));
    return true;
  }

  #nextTaker(): Taker | undefined {
    const taker = this.#takers.shift();
    if (taker !== undefined) this.#takers.push(taker);
    return taker;
  }

  #takes(address: EventAddress): boolean {
    const { pattern, from } = this.#interest;
    if ((from.subnet ?? address.subnet) !== address.subnet) return false;
    if ((from.node ?? address.node) !== address.node) return false;
    return patternMatches(pattern, address.name, address.version);
  }
}
