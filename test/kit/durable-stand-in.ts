import type { ConnectionStandIn, Sent, ServerStandIn } from "./connection-stand-in.ts";

const HEARTBEAT_MS = 1000;
const ROUND_MS = 50;
/** The pulling code ignores the numbers. */
const STATE = {
  created: "2026-01-01T00:00:00Z",
  delivered: { consumer_seq: 0, stream_seq: 0 },
  ack_floor: { stream_seq: 0 },
  num_ack_pending: 0,
};

interface Held {
  readonly seq: number;
  deliveries: number;
  /** `idle`: delivered from `atMs` on. `out`: delivered, and redelivered from `atMs` on. */
  state: "idle" | "out" | "done";
  atMs: number;
}

interface Pull {
  readonly inbox: string;
  left: number;
  readonly untilMs: number;
  beatMs: number;
}

/**
 * A JetStream durable as a pulling client sees it: pull requests that expire, heartbeats, ack waits, redelivery,
 * and settlements that it loses on demand. For fake timers.
 */
export class DurableStandIn implements ServerStandIn {
  /** Every settlement that arrived: the stream's sequence number and the word. */
  readonly words: (readonly [seq: number, word: string])[] = [];
  /** How many settlements to lose from now on. */
  lose = 0;
  readonly #connection: ConnectionStandIn;
  readonly #ackWaitMs: number;
  readonly #messages: Held[];
  #pulls: Pull[] = [];
  readonly #clock: NodeJS.Timeout;

  constructor(connection: ConnectionStandIn, count: number, ackWaitMs: number) {
    this.#connection = connection;
    this.#ackWaitMs = ackWaitMs;
    this.#messages = Array.from({ length: count }, (_, i) => ({
      seq: i + 1,
      deliveries: 0,
      state: "idle" as const,
      atMs: 0,
    }));
    connection.server = this;
    this.#clock = setInterval(() => this.#serve(), ROUND_MS);
  }

  get isDone(): boolean {
    return this.#messages.every(({ state }) => state === "done");
  }

  stop(): void {
    clearInterval(this.#clock);
  }

  onDisconnect(): void {
    this.#pulls = [];
  }

  onRequest(subject: string): unknown {
    return subject === "$JS.API.CONSUMER.INFO.EVENTS_alpha.kitchen_d" ? STATE : undefined;
  }

  onMessage({ subject, text, reply = "" }: Sent): void {
    if (subject === "$JS.API.CONSUMER.MSG.NEXT.EVENTS_alpha.kitchen_d") {
      const { batch, expires } = JSON.parse(text) as { batch: number; expires: number };
      const nowMs = Date.now();
      this.#pulls.push({ inbox: reply, left: batch, untilMs: nowMs + expires / 1e6, beatMs: nowMs });
      this.#serve();
    } else if (subject.startsWith("$JS.ACK.")) {
      this.#onWord(Number(subject.split(".")[5]), text);
    }
  }

  #onWord(seq: number, word: string): void {
    if (!word.startsWith("+WPI") && this.lose > 0) {
      this.lose--;
      return;
    }
    this.words.push([seq, word]);
    const message = this.#messages[seq - 1];
    if (message?.state !== "out") return;
    if (word === "+ACK" || word.startsWith("+TERM")) message.state = "done";
    else if (word === "+WPI") message.atMs = Date.now() + this.#ackWaitMs;
    else {
      const { delay } = JSON.parse(word.slice("-NAK ".length)) as { delay: number };
      message.state = "idle";
      message.atMs = Date.now() + delay / 1e6;
    }
  }

  #serve(): void {
    const nowMs = Date.now();
    for (const pull of this.#pulls) {
      if (pull.untilMs <= nowMs) this.#connection.status(pull.inbox, 408, "Request Timeout");
    }
    this.#pulls = this.#pulls.filter(({ untilMs }) => untilMs > nowMs);
    for (const message of this.#messages) {
      if (message.state === "done" || message.atMs > nowMs) continue;
      const pull = this.#pulls.find(({ left }) => left > 0);
      if (pull === undefined) break;
      pull.left--;
      pull.beatMs = nowMs;
      message.state = "out";
      message.deliveries++;
      message.atMs = nowMs + this.#ackWaitMs;
      this.#connection.deliver(pull.inbox, deliveryOf(message.seq, message.deliveries));
    }
    this.#pulls = this.#pulls.filter(({ left }) => left > 0);
    for (const pull of this.#pulls) {
      if (nowMs - pull.beatMs < HEARTBEAT_MS) continue;
      pull.beatMs = nowMs;
      this.#connection.status(pull.inbox, 100, "Idle Heartbeat");
    }
  }
}

/** The delivery of a message of EVENTS_alpha to kitchen_d, as a server sends it. */
export function deliveryOf(seq: number, deliveries = 1): { subject: string; text: string; reply: string } {
  const time = 1_700_000_000_000_000_000n + BigInt(seq);
  return {
    subject: "evt.alpha.desk.ui.notify.v1",
    text: `body ${seq}`,
    reply: `$JS.ACK.EVENTS_alpha.kitchen_d.${deliveries}.${seq}.${seq + deliveries}.${time}.0`,
  };
}
