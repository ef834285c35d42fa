import type { Msg } from "nats";
import { MsgImpl } from "nats/lib/nats-base-client/msg.js";
import { bytesOfMsg } from "../connection/msg-bytes.ts";

/** How much one request for messages asks for. */
export interface PullSize {
  readonly batch: number;
  readonly maxBytes?: number;
}

export const HEARTBEAT_MS = 1000;
/** Used until the server serves a link, because the start of a mesh waits for that. */
const FIRST_HEARTBEAT_MS = 200;
/** Statuses of one request: at most ten heartbeats and its end; a few more do no harm. */
const MAX_STATUSES = 16;
/** A server counts a message before it adds headers of its own. */
const ADDED_BYTES = 256;

interface RequestTerms {
  readonly expiresMs: number;
  /** Whether the server has served an earlier request. */
  readonly isServed: boolean;
  readonly group: string | undefined;
  readonly pin: string | undefined;
}

/** The body of a request, as the server reads it. Pure. */
export function requestText(
  { batch, maxBytes }: PullSize,
  { expiresMs, isServed, group, pin }: RequestTerms,
): string {
  const heartbeatMs = group === undefined || isServed ? HEARTBEAT_MS : FIRST_HEARTBEAT_MS;
  return JSON.stringify({
    batch,
    expires: expiresMs * 1e6,
    idle_heartbeat: heartbeatMs * 1e6,
    ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
    ...(group === undefined ? {} : { group, ...(pin === undefined ? {} : { id: pin }) }),
  });
}

/** One request for messages, with the count of what it may still bring. */
export class PullRequest {
  readonly inbox: string;
  readonly sentMs: number;
  readonly #batch: number;
  #left: number;
  #leftBytes: number;
  /** Limit of bytes, including headers that servers add. */
  #bookBytes: number;
  #statuses = MAX_STATUSES;
  #broughtBytes = 0;
  #heardMs = 0;
  #overMs: number | undefined;
  #isLate = false;

  /** @param size Undefined: it asks for no message at all. */
  constructor(inbox: string, size: PullSize | undefined, nowMs: number) {
    this.inbox = inbox;
    this.sentMs = nowMs;
    this.#batch = size?.batch ?? 0;
    this.#left = this.#batch;
    const maxBytes = size?.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#leftBytes = maxBytes;
    this.#bookBytes = maxBytes + this.#batch * ADDED_BYTES;
  }

  /** Limit of messages and statuses that it may bring in all. */
  get maxAnswers(): number {
    return this.#batch + MAX_STATUSES;
  }

  get left(): number {
    return this.#left;
  }

  get leftBytes(): number {
    return this.#leftBytes === Number.POSITIVE_INFINITY ? 0 : Math.max(0, this.#leftBytes);
  }

  get broughtBytes(): number {
    return this.#broughtBytes;
  }

  /** When its newest message came; 0 before the first. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Whether it is still expected to bring messages. */
  get isOpen(): boolean {
    return this.#overMs === undefined && !this.#isLate;
  }

  /** It was given up, but a slow server may still serve it. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Whether it ended without a message, sooner than a server without messages would end it. */
  isFruitless(nowMs: number, soonMs: number): boolean {
    return (
      this.#overMs !== undefined &&
      this.#batch > 0 &&
      this.#left === this.#batch &&
      nowMs - this.sentMs < soonMs
    );
  }

  /** Whether nothing more can come from it. */
  isGone(nowMs: number, lateMs: number, lingerMs: number): boolean {
    return this.#overMs === undefined ? nowMs - this.sentMs > lateMs : nowMs - this.#overMs > lingerMs;
  }

  /** Counts a message. False: it was not requested. */
  takeMessage(bytes: number, nowMs: number): boolean {
    if (this.#left === 0 || this.#bookBytes <= 0 || this.#overMs !== undefined) return false;
    this.#heardMs = nowMs;
    this.#broughtBytes += bytes;
    this.#left--;
    this.#leftBytes -= bytes;
    this.#bookBytes -= bytes;
    return true;
  }

  /** Counts a status. False: there were too many. */
  takeStatus(): boolean {
    return this.#statuses-- > 0;
  }

  /** It brings nothing more: the server says so, or it has brought everything. */
  end(nowMs: number): void {
    this.#overMs ??= nowMs;
  }

  /**
   * A status ends it. The leader of a replicated consumer sends a message once another server knows of its delivery,
   * and the status at once (nats-server 2.15.1): the status tells how many messages will not come.
   */
  endBy(status: Msg, mayOvertake: boolean | undefined, nowMs: number): void {
    const unsent = mayOvertake === true ? (status.headers?.get("Nats-Pending-Messages") ?? "") : "";
    const coming = /^\d{1,6}$/.test(unsent) ? this.#left - Number(unsent) : 0;
    if (coming > 0) this.#left = coming;
    else this.end(nowMs);
  }

  /** A new request replaces it; whether the server still serves it is not known. */
  giveUp(): void {
    this.#isLate = true;
  }
}

/**
 * A copy of a message, to be kept for long. The client's own is a view of everything that came over the socket with it
 * (nats 2.29.3), which would be kept as well.
 */
export function keptMsg(msg: Msg): Msg {
  if (!(msg instanceof MsgImpl)) return msg;
  const { _msg: info, _rdata: data, publisher } = msg;
  const { subject, reply } = info;
  const own = { ...info, subject: subject.slice(), ...(reply === undefined ? {} : { reply: reply.slice() }) };
  return new MsgImpl(own, data.slice(), publisher) as Msg;
}

/** Bytes of headers and body: the memory that a message takes. Decodes neither. */
export function sizeOfMsg(msg: Msg): number {
  return bytesOfMsg(msg)?.content.length ?? msg.data.length;
}
