import type { Msg } from "nats";

/** What the subject tells to which a delivery is acknowledged. */
export interface AckSubject {
  /** In the stream. */
  readonly seq: number;
  /** Of the delivery: each that the consumer makes has the next one. */
  readonly consumerSeq: number;
  readonly deliveryCount: number;
  /** When the stream stored the message; milliseconds since the epoch. */
  readonly storedMs: number;
  /** Names the message; holds its time too, since a stream made anew counts from 1 again. */
  readonly key: string;
}

const V1_TOKENS = 9;

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, or the form with
 * domain and account before the stream. Nothing when it is neither.
 */
export function parseAckSubject(subject: string): AckSubject | undefined {
  if (!subject.startsWith("$JS.ACK.")) return undefined;
  let dots = 0;
  for (let at = subject.indexOf("."); at !== -1; at = subject.indexOf(".", at + 1)) dots++;
  // By hand, since this is done for every message: the tail begins after so many tokens.
  let from = 0;
  for (let skip = dots + 1 === V1_TOKENS ? 4 : 6; skip > 0; skip--) from = subject.indexOf(".", from) + 1;
  const afterDelivered = subject.indexOf(".", from);
  const afterSeq = subject.indexOf(".", afterDelivered + 1);
  const afterConsumerSeq = subject.indexOf(".", afterSeq + 1);
  const afterTime = subject.indexOf(".", afterConsumerSeq + 1);
  if (dots + 1 < V1_TOKENS || afterTime === -1) return undefined;
  const seq = subject.slice(afterDelivered + 1, afterSeq);
  const time = subject.slice(afterConsumerSeq + 1, afterTime);
  return {
    seq: Number(seq),
    consumerSeq: Number(subject.slice(afterSeq + 1, afterConsumerSeq)),
    deliveryCount: Number(subject.slice(from, afterDelivered)),
    storedMs: Number(time) / 1e6,
    key: `${seq} ${time}`,
  };
}

/** When the stream stored a delivered message; milliseconds since the epoch, NaN where it does not tell. */
export function storedMsOf({ reply }: Pick<Msg, "reply">): number {
  return parseAckSubject(reply ?? "")?.storedMs ?? Number.NaN;
}
