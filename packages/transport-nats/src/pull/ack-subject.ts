import type { Msg } from "nats";

/** The content of an acknowledgement subject. Every number is a safe integer. */
export interface AckSubject {
  /** Origin of the delivery: stream and consumer; in the newer form, domain and account come before them. */
  readonly source: string;
  /** Place in the stream. */
  readonly seq: number;
  /** Number of the delivery: the consumer counts each delivery up by one. */
  readonly consumerSeq: number;
  readonly deliveryCount: number;
  /** When the stream stored the message; milliseconds since the epoch. */
  readonly storedMs: number;
}

const PREFIX = "$JS.ACK.";
/** With domain and account there are two more, and maybe a random one at the end. */
const V1_TOKENS = 9;
const V2_TOKENS = 11;
/** Far longer than servers write. */
const MAX_LENGTH = 512;
/** A time in nanoseconds has 19 digits. */
const MAX_TIME_DIGITS = 19;

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, or the form with domain
 * and account before the stream. Undefined for any other form, since the server may belong to somebody else.
 */
export function parseAckSubject(subject: string): AckSubject | undefined {
  if (!subject.startsWith(PREFIX) || subject.length > MAX_LENGTH) return undefined;
  let dots = 0;
  for (let at = subject.indexOf("."); at !== -1; at = subject.indexOf(".", at + 1)) dots++;
  const tokens = dots + 1;
  if (tokens !== V1_TOKENS && tokens !== V2_TOKENS && tokens !== V2_TOKENS + 1) return undefined;
  // By hand, since it runs for every message: the numbers begin after so many tokens.
  let from = 0;
  for (let skip = tokens === V1_TOKENS ? 4 : 6; skip > 0; skip--) from = subject.indexOf(".", from) + 1;
  const afterDelivered = subject.indexOf(".", from);
  const afterSeq = subject.indexOf(".", afterDelivered + 1);
  const afterConsumerSeq = subject.indexOf(".", afterSeq + 1);
  const afterTime = subject.indexOf(".", afterConsumerSeq + 1);
  const end = tokens > V2_TOKENS ? subject.indexOf(".", afterTime + 1) : subject.length;
  const deliveryCount = countIn(subject, from, afterDelivered);
  const seq = countIn(subject, afterDelivered + 1, afterSeq);
  const consumerSeq = countIn(subject, afterSeq + 1, afterConsumerSeq);
  const time = subject.slice(afterConsumerSeq + 1, afterTime);
  const isTime = time.length <= MAX_TIME_DIGITS && /^\d+$/.test(time);
  // A delivery needs a place and a number; the pending count is not used here.
  if (
    !(seq > 0 && consumerSeq > 0 && deliveryCount > 0 && isTime && countIn(subject, afterTime + 1, end) >= 0)
  )
    return undefined;
  return {
    source: subject.slice(PREFIX.length, from - 1),
    seq,
    consumerSeq,
    deliveryCount,
    storedMs: Number(time) / 1e6,
  };
}

/** A whole number in the form that servers write; NaN for anything else, and for a number that is not exact. */
function countIn(text: string, from: number, to: number): number {
  const length = to - from;
  if (length < 1 || length > 16 || (length > 1 && text.charCodeAt(from) === 48)) return Number.NaN;
  let count = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    count = count * 10 + digit;
  }
  return count <= Number.MAX_SAFE_INTEGER ? count : Number.NaN;
}

/** The consumer whose deliveries are pulled. */
export interface AckSource {
  readonly stream: string;
  readonly consumer: string;
  /** JetStream domain of the server that has the stream. */
  readonly domain: string;
  /** Several servers keep the consumer. @default false */
  readonly isReplicated?: boolean;
}

/**
 * Writes acknowledgement subjects of one consumer. From the server's subject it copies only numbers, and the account's
 * name if that is a plain word.
 */
export class AckSubjects {
  readonly #v1: string;
  readonly #v2Before: string;
  readonly #v2After: string;

  /** Of the consumer: a status may then come before messages that were sent before it. */
  readonly isReplicated: boolean;

  constructor({ stream, consumer, domain, isReplicated = false }: AckSource) {
    this.isReplicated = isReplicated;
    this.#v1 = `${stream}.${consumer}`;
    this.#v2Before = `${domain}.`;
    this.#v2After = `.${this.#v1}`;
  }

  /** Whether a delivery is of this consumer. */
  isOwn({ source }: AckSubject): boolean {
    if (source === this.#v1) return true;
    if (!source.startsWith(this.#v2Before) || !source.endsWith(this.#v2After)) return false;
    const account = source.slice(this.#v2Before.length, source.length - this.#v2After.length);
    return /^[A-Za-z0-9]{1,64}$/.test(account);
  }

  /**
   * The acknowledgement subject of a delivery that {@link isOwn}. The server reads no time and no pending count there.
   */
  of({ source, deliveryCount, seq, consumerSeq }: Omit<AckSubject, "storedMs">): string {
    return `${PREFIX}${source}.${deliveryCount}.${seq}.${consumerSeq}.0.0`;
  }
}

/** When the stream stored a delivered message; milliseconds since the epoch, NaN when the subject does not say. */
export function storedMsOf({ reply }: Pick<Msg, "reply">): number {
  return parseAckSubject(reply ?? "")?.storedMs ?? Number.NaN;
}
