import { type Logger, MeshError, type Settlement } from "@adaos/core";
import { type Msg, nuid, type Subscription } from "nats";
import { type Connection, delay } from "./connection.ts";

export interface PullConsumerOptions {
  readonly stream: string;
  readonly consumer: string;
  /** Where the JetStream API of that stream is found. @default "$JS.API" */
  readonly apiPrefix?: string;
  /** Messages asked for at a time. @default 500 */
  readonly batchMessages?: number;
  /** The consumer's `ack_wait`; held deliveries are extended three times within it. */
  readonly ackWaitMs: number;
  readonly log: Logger;
  /** The consumer does not exist: called, at most every few seconds, until it does. */
  readonly onMissing: () => void;
  readonly onState?: (state: PullState) => void;
  /**
   * How long after the last request a stop hands back what still comes. A server with leaf nodes or gateways sends to a
   * pull younger than 2 s without asking whether anybody listens, and what nobody takes waits for the ack wait to pass.
   * @default 0
   */
  readonly handBackMs?: number;
}

/** `flowing`: the server answers. Otherwise what stands in the way. */
export type PullState = { readonly flowing: true } | { readonly flowing: false; readonly reason: string };

/** One message handed over, to be settled exactly once. */
export interface PulledMessage {
  readonly msg: Msg;
  readonly seq: number;
  readonly deliveryCount: number;
  settle(settlement: Settlement): void;
}

const EXPIRES_MS = 10_000;
const HEARTBEAT_MS = 1000;
/** Longest silence before the server is asked whether it still knows us. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS;
const RETRY_MS = 300;
const HANDED_BACK_MS = 100;
/** Settlements remembered in case their way to the server was cut. */
const MAX_REMEMBERED = 4096;

interface Held {
  msg: Msg;
  readonly since: number;
}

/**
 * Pulls from one durable for as long as it lives: across reconnects, restarts of the server, and the durable's own
 * disappearance. Hands over each message once, also when the server delivers it again while it is still being worked
 * on or after an acknowledgement that got lost on the way.
 */
export class PullConsumer {
  readonly #connection: Connection;
  readonly #options: Required<Omit<PullConsumerOptions, "onState">> & Pick<PullConsumerOptions, "onState">;
  readonly #onMessage: (message: PulledMessage) => void;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #unlisten: () => void;
  readonly #held = new Map<string, Held>();
  /** Keys of settled messages with the settlement, oldest first. */
  readonly #settled = new Map<string, string>();
  readonly #ticker: NodeJS.Timeout;
  #pull = 0;
  #left = 0;
  #askedMs = 0;
  #heardMs = 0;
  #probing = false;
  #retry: NodeJS.Timeout | undefined;
  readonly #onIdle = new Set<() => void>();
  #stopped: Promise<void> | undefined;
  /** Aborted when a stop has nothing more to expect of the last pull. */
  readonly #pullOver = new AbortController();

  constructor(
    connection: Connection,
    options: PullConsumerOptions,
    onMessage: (message: PulledMessage) => void,
  ) {
    this.#connection = connection;
    this.#options = { apiPrefix: "$JS.API", batchMessages: 500, handBackMs: 0, ...options };
    this.#onMessage = onMessage;
    this.#inbox = `${connection.inbox}.${nuid.next()}`;
    this.#subscription = connection.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#onMsg(msg);
      },
    });
    this.#unlisten = connection.listen({ onReconnect: () => this.#ask() });
    this.#ticker = setInterval(() => this.#tick(), Math.min(options.ackWaitMs / 3, HEARTBEAT_MS));
    this.#ask();
  }

  /** Messages handed over and not settled yet. */
  get held(): number {
    return this.#held.size;
  }

  /** Takes no more, then waits until what was handed over is settled, at most `graceMs`. Safe to call twice. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#endPull();
    if (this.#held.size > 0) await this.#idleWithin(graceMs);
    await this.#stopped;
    clearInterval(this.#ticker);
  }

  async #endPull(): Promise<void> {
    this.#unlisten();
    clearTimeout(this.#retry);
    const handBackMs = this.#handBackMs();
    if (handBackMs > 0 && this.#left > 0 && this.#canSend()) await delay(handBackMs, this.#pullOver.signal);
    this.#subscription.unsubscribe();
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

  /** How long from now on the server may send to us without asking. */
  #handBackMs(): number {
    return this.#askedMs + this.#options.handBackMs - Date.now();
  }

  #canSend(): boolean {
    return this.#connection.connected && !this.#connection.nc.isClosed();
  }

  #ask(): void {
    if (this.#stopped !== undefined) return this.#pullOver.abort();
    if (!this.#canSend()) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const { apiPrefix, stream, consumer, batchMessages } = this.#options;
    this.#left = batchMessages;
    this.#askedMs = this.#heardMs = Date.now();
    const request = JSON.stringify({
      batch: batchMessages,
      expires: EXPIRES_MS * 1e6,
      idle_heartbeat: HEARTBEAT_MS * 1e6,
    });
    const reply = `${this.#inbox}.${++this.#pull}`;
    this.#connection.nc.publish(`${apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { reply });
  }

  #askLater(reason: string): void {
    if (this.#stopped !== undefined) return;
    this.#options.onState?.({ flowing: false, reason });
    this.#retry ??= setTimeout(() => this.#ask(), RETRY_MS);
  }

  #onMsg(msg: Msg): void {
    this.#heardMs = Date.now();
    if (!msg.subject.startsWith(this.#inbox)) {
      this.#onDelivered(msg);
      if (--this.#left === 0) this.#ask();
      return;
    }
    // A status belongs to the pull whose number ends its subject; that of an earlier pull says nothing of this one.
    if (msg.subject !== `${this.#inbox}.${this.#pull}`) return;
    const code = msg.headers?.code ?? 0;
    const description = msg.headers?.description ?? "";
    if (code === 100) return this.#options.onState?.({ flowing: true });
    if (code === 404 || code === 408) {
      this.#options.onState?.({ flowing: true });
      return this.#ask();
    }
    if (/consumer deleted/i.test(description)) this.#options.onMissing();
    this.#askLater(code === 503 ? "no server answers" : `${code} ${description}`);
  }

  #onDelivered(msg: Msg): void {
    const { seq, deliveryCount, key } = parseAckSubject(msg.reply ?? "");
    if (key === "") return;
    const settled = this.#settled.get(key);
    if (settled !== undefined) {
      this.#respond(msg, settled);
      return;
    }
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.msg = msg;
      return;
    }
    if (this.#stopped !== undefined) {
      // Later than this pull can get it once more.
      this.#respond(msg, settlementWord({ kind: "nak", delayMs: this.#handBackMs() + HANDED_BACK_MS }));
      return;
    }
    const fresh: Held = { msg, since: Date.now() };
    this.#held.set(key, fresh);
    this.#onMessage({
      msg,
      seq,
      deliveryCount,
      settle: (settlement) => {
        if (this.#held.get(key) !== fresh) return;
        this.#held.delete(key);
        const word = settlementWord(settlement);
        this.#respond(fresh.msg, word);
        if (settlement.kind !== "nak") this.#remember(key, word);
        if (this.#held.size === 0) for (const tell of this.#onIdle) tell();
      },
    });
  }

  /** A settlement that cannot be sent is a redelivery later, to whoever pulls then. */
  #respond(msg: Msg, word: string): void {
    if (!this.#connection.nc.isClosed()) msg.respond(word);
  }

  #remember(key: string, word: string): void {
    this.#settled.set(key, word);
    if (this.#settled.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#settled.keys()) {
      this.#settled.delete(oldest);
      return;
    }
  }

  #tick(): void {
    if (!this.#connection.connected) {
      this.#options.onState?.({ flowing: false, reason: "the server is away" });
      return;
    }
    const nowMs = Date.now();
    for (const held of this.#held.values()) {
      if (nowMs - held.since >= this.#options.ackWaitMs / 3) this.#respond(held.msg, "+WPI");
    }
    if (this.#stopped === undefined && this.#retry === undefined && nowMs - this.#heardMs > SILENCE_MS)
      void this.#probe();
  }

  /** A deleted consumer and a lost request are both just silence: ask which it is. */
  async #probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    const { apiPrefix, stream, consumer, log, onMissing } = this.#options;
    try {
      const answer = await this.#connection.nc.request(
        `${apiPrefix}.CONSUMER.INFO.${stream}.${consumer}`,
        undefined,
        {
          timeout: 2000,
        },
      );
      const error = answer.json<{ error?: { code?: number; description?: string } }>().error;
      if (error === undefined) return this.#ask();
      // Any other refusal passes: a server that reads its config has no JetStream for a moment.
      if (error.code === 404) {
        log.warn({ stream, consumer, error }, "consumer missing");
        onMissing();
      }
      this.#askLater(error.description ?? "the consumer is missing");
    } catch (thrown) {
      this.#askLater(MeshError.from(thrown, "unavailable", "the server does not answer").message);
    } finally {
      this.#probing = false;
    }
  }
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

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, or the form with
 * domain and account before the stream. The key holds the time too: a stream made anew counts from 1 again.
 */
export function parseAckSubject(subject: string): { seq: number; deliveryCount: number; key: string } {
  const tokens = subject.split(".");
  const first = tokens.length === 9 ? 4 : 6;
  const [delivered = "", seq = "", , time = ""] = tokens.slice(first);
  if (tokens[1] !== "ACK" || time === "") return { seq: 0, deliveryCount: 0, key: "" };
  return { seq: Number(seq), deliveryCount: Number(delivered), key: `${seq} ${time}` };
}
