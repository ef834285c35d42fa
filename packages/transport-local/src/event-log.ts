import { MeshError, type Message } from "@adaos/core";
import type { EventAddress } from "@adaos/core/wire";

/** One stored message. Only the log refers to these bytes. */
export interface LogEntry {
  readonly seq: number;
  readonly message: Message;
  /** Milliseconds since the epoch. */
  readonly storedMs: number;
  readonly address: EventAddress;
  /** The only durable for a replay. */
  readonly only: string | undefined;
}

export interface LogLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** How long an id is recognised; 0 recognises none. */
  readonly duplicateWindowMs: number;
}

interface Recent {
  readonly seq: number;
  readonly storedMs: number;
}

/** Messages in the order of their storage, numbered from 1. Bounded: when full it refuses, it never drops. */
export class EventLog {
  readonly #limits: LogLimits;
  readonly #entries: LogEntry[] = [];
  /** Subjects and ids within the duplicate window, oldest first. */
  readonly #recent = new Map<string, Recent>();
  #bytes = 0;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  /** Number of the newest message; 0 when there is none. */
  get lastSeq(): number {
    return this.#entries.length;
  }

  at(seq: number): LogEntry | undefined {
    return this.#entries[seq - 1];
  }

  /** Stores a copy, unless the id is known. Throws `backpressure` when full. */
  append(
    message: Message,
    address: EventAddress,
    only?: string,
  ): { readonly seq: number; readonly duplicate: boolean } {
    const nowMs = performance.now();
    this.#forgetBefore(nowMs - this.#limits.duplicateWindowMs);
    // A node chooses the ids of its events. The subject names the node, so ids of two nodes never collide.
    const key = `${message.subject} ${message.id}`;
    const known = this.#recent.get(key);
    if (known !== undefined) return { seq: known.seq, duplicate: true };
    const bytes = this.#bytes + sizeOf(message);
    if (this.lastSeq >= this.#limits.maxMessages || bytes > this.#limits.maxBytes) {
      const holds = `${this.lastSeq} messages (${this.#bytes} bytes)`;
      throw new MeshError("backpressure", `the log is full: it holds ${holds} and drops none of them`);
    }
    this.#bytes = bytes;
    const seq = this.lastSeq + 1;
    this.#entries.push({ seq, address, only, message: copyOf(message), storedMs: Date.now() });
    this.#recent.set(key, { seq, storedMs: nowMs });
    return { seq, duplicate: false };
  }

  #forgetBefore(limitMs: number): void {
    for (const [id, { storedMs }] of this.#recent) {
      if (storedMs > limitMs) return;
      this.#recent.delete(id);
    }
  }
}

/** Neither its publisher nor a handler may change what is stored. */
export function copyOf({ subject, id, headers, body }: Message): Message {
  return { subject, id, headers: { ...headers }, body: body.slice() };
}

function sizeOf({ subject, id, headers, body }: Message): number {
  let bytes = subject.length + id.length + body.length;
  for (const [key, value] of Object.entries(headers)) bytes += key.length + value.length;
  return bytes;
}
