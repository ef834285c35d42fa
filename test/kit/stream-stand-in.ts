import { type MsgHdrs, headers as newHeaders } from "nats";
import type { ConnectionStandIn, Sent, ServerStandIn } from "./connection-stand-in.ts";

/** A fault of one write; an atomic batch is one write. */
export type Fault =
  /** Stored and acknowledged. */
  | "none"
  /** Stored; the acknowledgement never arrives. */
  | "ack-lost"
  /** Stored; the acknowledgement arrives after the wait for it. */
  | "ack-late"
  /** Neither stored nor answered. */
  | "silent"
  /** No subscriber at the subject. */
  | "no-responders"
  /** Answered: not now. */
  | "unavailable"
  /** Answered: the stream is full. */
  | "full"
  /** The connection breaks before the write arrives. */
  | "broken-before"
  /** Stored; the connection breaks before the acknowledgement arrives. */
  | "broken-after";

const LATE_MS = 4000;
const RECONNECT_MS = 300;

export interface Stored {
  readonly id: string;
  readonly seq: number;
  readonly subject: string;
}

/**
 * A JetStream server with one stream, as a publisher sees it: deduplication by message id, atomic batches that are
 * stored or refused as a whole, and faults on demand.
 */
export class StreamStandIn implements ServerStandIn {
  readonly stored: Stored[] = [];
  /** Sizes of the writes that arrived, batches and singles. */
  readonly writes: number[] = [];
  readonly denied = new Set<string>();
  /** Faults of the next writes, in order. */
  readonly faults: Fault[] = [];
  /** The fault of every write after those. */
  finally: Fault = "none";
  /** The answer to a request for a message. */
  directGet: "held" | "gone" | "silent" = "silent";
  readonly #connection: ConnectionStandIn;
  readonly #batches = new Map<string, Sent[]>();
  /** Messages of open fast batches; a batch that has ended is absent. */
  readonly #fast = new Map<string, Sent[]>();

  constructor(connection: ConnectionStandIn) {
    this.#connection = connection;
    connection.server = this;
  }

  onDisconnect(): void {
    this.#batches.clear();
    this.#fast.clear();
  }

  onMessage(message: Sent): void {
    if (this.denied.has(message.subject)) return this.#connection.denyPublish(message.subject);
    if (message.reply?.endsWith(".$FI") === true) return this.#onFast(message, message.reply);
    const batchId = message.headers["Nats-Batch-Id"];
    if (batchId === undefined) return this.#write([message], message.reply);
    const batch = this.#batches.get(batchId) ?? [];
    batch.push(message);
    this.#batches.set(batchId, batch);
    if (message.headers["Nats-Batch-Commit"] === undefined) return;
    this.#batches.delete(batchId);
    const isWhole = batch.every(({ headers }, i) => headers["Nats-Batch-Sequence"] === String(i + 1));
    if (isWhole) this.#write(batch, message.reply, batchId);
    else this.#refuse(message.reply, 400, 10176, "batch publish is incomplete and was abandoned");
  }

  /**
   * As in nats-server: messages after a gap or a refusal are not stored; one acknowledgement covers the stored
   * ones.
   */
  #onFast(message: Sent, reply: string): void {
    const [id = "", , , sequence, operation] = reply.split(".").slice(-6);
    const batch = sequence === "1" ? [] : this.#fast.get(id);
    if (batch === undefined) return this.#refuse(reply, 400, 10206, "batch publish ID unknown");
    this.#fast.set(id, batch);
    if (Number(sequence) === batch.length + 1) batch.push(message);
    else {
      this.#connection.answer(reply, { type: "gap", last_seq: batch.length + 1, seq: Number(sequence) });
      return this.#endFast(id, batch, reply);
    }
    if (sequence === "1" && operation !== "2")
      this.#connection.answer(reply, { type: "ack", seq: 0, msgs: 9 });
    if (operation === "2") this.#endFast(id, batch, reply);
  }

  #endFast(id: string, batch: readonly Sent[], reply: string): void {
    this.#fast.delete(id);
    this.writes.push(batch.length);
    const fault = this.faults.shift() ?? this.finally;
    if (fault === "broken-before") return this.#breakConnection();
    if (fault === "silent") return;
    if (fault === "full") {
      const { error } = errorJson(503, 10077, "maximum bytes exceeded");
      this.#connection.answer(reply, { type: "err", seq: batch.length, error });
    }
    const taken = fault === "full" ? batch.slice(0, -1) : batch;
    for (const { headers, subject } of taken) {
      const own = headers["Nats-Msg-Id"] ?? "";
      if (!this.stored.some((other) => other.id === own))
        this.stored.push({ id: own, seq: this.stored.length + 1, subject });
    }
    if (fault === "broken-after") return this.#breakConnection();
    if (fault === "ack-lost") return;
    this.#connection.answer(reply, {
      stream: "EVENTS_alpha",
      seq: this.stored.length,
      batch: id,
      count: taken.length,
    });
  }

  onRequest(_subject: string, text: string): MsgHdrs | undefined {
    if (this.directGet === "silent") return undefined;
    const { seq } = JSON.parse(text) as { readonly seq: number };
    const held = this.directGet === "held" ? this.stored[seq - 1] : undefined;
    if (held === undefined) return newHeaders(404, "Message Not Found");
    const headers = newHeaders();
    headers.set("Nats-Subject", held.subject);
    headers.set("Nats-Msg-Id", held.id);
    return headers;
  }

  #write(batch: readonly Sent[], reply: string | undefined, batchId?: string): void {
    this.writes.push(batch.length);
    const fault = this.faults.shift() ?? this.finally;
    if (fault === "broken-before") return this.#breakConnection();
    if (fault === "silent") return;
    if (fault === "no-responders") return this.#connection.status(reply ?? "", 503, "No Responders");
    if (fault === "unavailable") return this.#refuse(reply, 503, 10008, "system temporarily unavailable");
    const answer = this.#store(batch, batchId, fault === "full");
    if (fault === "broken-after") return this.#breakConnection();
    if (fault === "ack-lost") return;
    const send = (): void => this.#connection.answer(reply ?? "", answer);
    if (fault === "ack-late") setTimeout(send, LATE_MS);
    else send();
  }

  #store(batch: readonly Sent[], batchId: string | undefined, isFull: boolean): object {
    const ids = batch.map(({ headers }) => headers["Nats-Msg-Id"] ?? "");
    const before = this.stored.find(({ id }) => ids.includes(id));
    if (batchId === undefined && before !== undefined) {
      return { stream: "EVENTS_alpha", seq: before.seq, duplicate: true };
    }
    if (before !== undefined || new Set(ids).size < ids.length) {
      return errorJson(400, 10201, "batch publish contains duplicate message id");
    }
    if (isFull) return errorJson(503, 10077, "maximum bytes exceeded");
    for (const [i, { subject }] of batch.entries()) {
      this.stored.push({ id: ids[i] ?? "", seq: this.stored.length + 1, subject });
    }
    const ack = { stream: "EVENTS_alpha", seq: this.stored.length };
    return batchId === undefined ? ack : { ...ack, batch: batchId, count: batch.length };
  }

  #refuse(reply: string | undefined, code: number, errCode: number, description: string): void {
    this.#connection.answer(reply ?? "", errorJson(code, errCode, description));
  }

  #breakConnection(): void {
    this.#connection.disconnect();
    setTimeout(() => this.#connection.reconnect(), RECONNECT_MS);
  }
}

function errorJson(code: number, errCode: number, description: string): { readonly error: object } {
  return { error: { code, err_code: errCode, description } };
}
