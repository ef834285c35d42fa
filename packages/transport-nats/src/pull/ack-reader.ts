import type { Msg } from "nats";
import { beginsWith, bytesOfMsg } from "../connection/msg-bytes.ts";
import { type AckSubject, parseAckSubject } from "./ack-subject.ts";

const PREFIX_LENGTH = "$JS.ACK.".length;
const DOT = 46;
const ZERO = 48;
const MAX_DIGITS = 15;
const MAX_TIME_DIGITS = 19;
/** Nanoseconds within a millisecond. */
const NANO_DIGITS = 6;

/**
 * Reads the acknowledgement subjects of one consumer from the bytes, as {@link parseAckSubject} reads them from text.
 * All begin alike, so only the first is decoded.
 */
export class AckReader {
  /** The prefix of the newest subject that was parsed in full. */
  #begin: Uint8Array = new Uint8Array(0);
  #source = "";
  #at = 0;

  /** Undefined when it is not an acknowledgement subject. */
  read(msg: Msg): AckSubject | undefined {
    const bytes = bytesOfMsg(msg)?.reply;
    const known = bytes === undefined ? undefined : this.#readKnown(bytes);
    if (known !== undefined) return known;
    const parsed = parseAckSubject(msg.reply ?? "");
    if (parsed !== undefined && bytes !== undefined) {
      this.#begin = bytes.slice(0, PREFIX_LENGTH + parsed.source.length + 1);
      this.#source = parsed.source;
    }
    return parsed;
  }

  /** Undefined for another prefix, or a form that servers do not write: then the caller parses it in full. */
  #readKnown(bytes: Uint8Array): AckSubject | undefined {
    const begin = this.#begin;
    if (begin.length === 0 || !beginsWith(bytes, begin)) return undefined;
    this.#at = begin.length;
    const deliveryCount = this.#count(bytes);
    const seq = this.#count(bytes);
    const consumerSeq = this.#count(bytes);
    const timeEnd = bytes.indexOf(DOT, this.#at);
    const storedMs = msOf(bytes, this.#at, timeEnd);
    this.#at = timeEnd + 1;
    const isPendingLast = this.#count(bytes) >= 0 && this.#at > bytes.length;
    if (!(deliveryCount > 0 && seq > 0 && consumerSeq > 0 && storedMs >= 0 && isPendingLast))
      return undefined;
    return { source: this.#source, seq, consumerSeq, deliveryCount, storedMs };
  }

  /** The number up to the next dot, and skips that dot; NaN when it is not a number. */
  #count(bytes: Uint8Array): number {
    const from = this.#at;
    let count = 0;
    let at = from;
    for (; at < bytes.length; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit === DOT - ZERO) break;
      if (!(digit >= 0 && digit <= 9)) return Number.NaN;
      count = count * 10 + digit;
    }
    this.#at = at + 1;
    const length = at - from;
    const isWritten = length > 0 && length <= MAX_DIGITS && (length === 1 || bytes[from] !== ZERO);
    return isWritten ? count : Number.NaN;
  }
}

/** Milliseconds of a time in nanoseconds, which exceeds what a number holds exactly; NaN when it is not a number. */
function msOf(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length <= NANO_DIGITS || length > MAX_TIME_DIGITS) return Number.NaN;
  let [ms, nanos] = [0, 0];
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    if (at < to - NANO_DIGITS) ms = ms * 10 + digit;
    else nanos = nanos * 10 + digit;
  }
  return ms + nanos / 1e6;
}
