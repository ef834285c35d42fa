import { headers as newHeaders } from "nats";
import type { ConnectionStandIn, Sent, ServerStandIn } from "./connection-stand-in.ts";

const ACK_WAIT_MS = 3000;
const ROUND_MS = 20;
const MAX_ACK_PENDING = 2000;

interface Pull {
  readonly inbox: string;
  readonly pin: string | undefined;
  left: number;
  leftBytes: number;
  readonly untilMs: number;
}

/**
 * A durable with `ack_policy: all` and one pinned client, as a pulling client sees it: numbered deliveries,
 * redelivery after the ack wait or a `-NAK`, deliveries that it loses on demand, a pin that it removes on demand.
 * For fake timers.
 */
export class PinnedDurableStandIn implements ServerStandIn {
  /** Deliveries to lose from now on. */
  lose = 0;
  /** Number of messages. */
  count: number;
  /** Size of each message. */
  bytes = 0;
  /** Whether the end of a request is reported. */
  tellsEnds = true;
  /** Everything up to here is acknowledged. */
  floor = 0;
  created = "2026-01-01T00:00:00Z";
  unpinned = 0;
  readonly #connection: ConnectionStandIn;
  readonly #clock: NodeJS.Timeout;
  /** Redelivery time of delivered messages, by sequence number. */
  readonly #pending = new Map<number, number>();
  #pulls: Pull[] = [];
  #pin: string | undefined;
  #pins = 0;
  #seq = 0;
  #consumerSeq = 0;
  #ackedConsumerSeq = 0;

  constructor(connection: ConnectionStandIn, count: number) {
    this.#connection = connection;
    this.count = count;
    connection.server = this;
    this.#clock = setInterval(() => this.#serve(), ROUND_MS);
  }

  stop(): void {
    clearInterval(this.#clock);
  }

  /** Another client is served for a while: it gets some messages and dies with them. */
  takePinAway(messages: number): void {
    this.#pin = undefined;
    for (let i = 0; i < messages && this.#seq < this.count; i++) {
      this.#consumerSeq++;
      this.#pending.set(++this.#seq, Date.now() + ACK_WAIT_MS);
    }
    for (const { inbox, pin } of this.#pulls) {
      if (pin !== undefined) this.#connection.status(inbox, 423, "Nats-Wrong-Pin-Id");
    }
    this.#pulls = this.#pulls.filter(({ pin }) => pin === undefined);
  }

  /**
   * Recreates it, starting at a number, as a refill does. Its pin stays, as on a server that accepts the given pin.
   */
  rewind(seq: number): void {
    this.created = new Date(Date.now()).toISOString();
    this.floor = seq - 1;
    this.#seq = seq - 1;
    this.#consumerSeq = 0;
    this.#ackedConsumerSeq = 0;
    this.#pending.clear();
  }

  onDisconnect(): void {
    this.#pulls = [];
  }

  onRequest(subject: string): unknown {
    if (subject.startsWith("$JS.API.CONSUMER.UNPIN.")) {
      this.unpinned++;
      this.#pin = undefined;
      return {};
    }
    return {
      created: this.created,
      delivered: { consumer_seq: this.#consumerSeq, stream_seq: this.#seq },
      ack_floor: { stream_seq: this.floor },
      num_ack_pending: this.#pending.size,
    };
  }

  onMessage({ subject, text, reply = "" }: Sent): void {
    if (subject.startsWith("$JS.ACK.")) {
      const [seq = 0, consumerSeq = 0] = subject.split(".").slice(5, 7).map(Number);
      return this.#onWord(seq, consumerSeq, text);
    }
    const { batch, expires, max_bytes: maxBytes, id } = JSON.parse(text);
    if (id !== undefined && id !== this.#pin)
      return this.#connection.status(reply, 423, "Nats-Pin-Id mismatch");
    if (maxBytes === 1) return this.#connection.status(reply, 408, "Request Timeout");
    this.#pulls.push({
      inbox: reply,
      pin: id,
      left: batch,
      leftBytes: maxBytes,
      untilMs: Date.now() + expires / 1e6,
    });
    this.#serve();
  }

  #onWord(seq: number, consumerSeq: number, word: string): void {
    if (word === "-NAK") {
      if (this.#pending.has(seq)) this.#pending.set(seq, 0);
      return;
    }
    // As in nats-server: an acknowledgement of a delivery before the newest acknowledged one has no effect.
    if (seq <= this.floor || consumerSeq <= this.#ackedConsumerSeq) return;
    this.floor = seq;
    this.#ackedConsumerSeq = consumerSeq;
    for (const held of [...this.#pending.keys()]) if (held <= seq) this.#pending.delete(held);
  }

  #serve(): void {
    const nowMs = Date.now();
    for (const { inbox, untilMs } of this.#pulls)
      if (untilMs <= nowMs && this.tellsEnds) this.#connection.status(inbox, 408, "Request Timeout");
    this.#pulls = this.#pulls.filter(({ untilMs }) => untilMs > nowMs);
    const again = [...this.#pending].filter(([, atMs]) => atMs <= nowMs).map(([seq]) => seq);
    const fresh = Array.from({ length: this.count - this.#seq }, (_, i) => this.#seq + 1 + i);
    const mayCome = fresh.slice(0, Math.max(0, MAX_ACK_PENDING - this.#pending.size));
    for (const seq of [...again, ...mayCome]) if (!this.#deliver(seq)) break;
  }

  #deliver(seq: number): boolean {
    const pinned = this.#pulls.find(({ left, pin }) => left > 0 && pin !== undefined && pin === this.#pin);
    const pull = pinned ?? this.#firstUnpinned();
    if (pull === undefined) return false;
    if (pull.leftBytes < this.bytes) {
      this.#pulls = this.#pulls.filter((other) => other !== pull);
      this.#connection.status(pull.inbox, 409, "Message Size Exceeds MaxBytes");
      return this.#deliver(seq);
    }
    pull.left--;
    pull.leftBytes -= this.bytes;
    this.#seq = Math.max(this.#seq, seq);
    this.#pending.set(seq, Date.now() + ACK_WAIT_MS);
    const reply = `$JS.ACK.EVENTS_alpha.root.1.${seq}.${++this.#consumerSeq}.17.0`;
    if (this.lose > 0) {
      this.lose--;
      return true;
    }
    const headers = newHeaders();
    headers.set("Nats-Pin-Id", this.#pin ?? "");
    this.#connection.deliver(pull.inbox, {
      subject: "evt.x",
      text: `${seq}`.padEnd(this.bytes),
      headers,
      reply,
    });
    return true;
  }

  /**
   * A request without a pin gets the pin while nobody has it. A pinned client's other requests count as its own.
   */
  #firstUnpinned(): Pull | undefined {
    const pull = this.#pulls.find(({ left, pin }) => left > 0 && pin === undefined);
    if (pull !== undefined) this.#pin ??= `pin-${++this.#pins}`;
    return pull;
  }
}
