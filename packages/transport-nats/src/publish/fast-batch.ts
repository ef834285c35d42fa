import type { Msg } from "nats";
import { type Ack, parseAck } from "./publish-ack.ts";

/*
 * A fast batch (nats-server 2.14) is stored message by message, each with its own disk sync, and answered once. The
 * server stores nothing behind a message that is missing or refused. It recognises a batch only by the reply subject of
 * its messages: `<inbox>.<batch id>.<flow>.<gap mode>.<sequence>.<operation>.$FI`. So fast batches work only in the
 * stream's own account: a service import writes another reply subject.
 */

const START = 0;
const APPEND = 1;
const COMMIT = 2;
/** The server would send an interim answer every so many messages: larger than any batch, so none comes. */
const FLOW = 1000;

/**
 * The reply subject of message `index` of `count` of a batch. Anyone who knows the batch id can write into the batch.
 */
export function fastReply(inbox: string, batchId: string, index: number, count: number): string {
  const operation = index === count - 1 ? COMMIT : index === 0 ? START : APPEND;
  return `${inbox}.${batchId}.${FLOW}.fail.${index + 1}.${operation}.$FI`;
}

/** Reads the answers to one fast batch. */
export class FastAnswers {
  /** The answer in which the server refused more. */
  #refusal: Ack | undefined;

  get refusal(): Ack | undefined {
    return this.#refusal;
  }

  /** Undefined: the batch goes on. */
  readonly read = (answer: Msg): Ack | undefined => {
    const kind = flowKindOf(answer);
    if (kind === undefined) return parseAck(answer);
    if (kind === "err") this.#refusal = parseAck(answer);
    return undefined;
  };
}

const FLOW_ANSWER = /^\{"type":"(ack|gap|err)",/;
const MAX_KIND_BYTES = 16;

function flowKindOf({ data }: Msg): string | undefined {
  return FLOW_ANSWER.exec(Buffer.from(data.subarray(0, MAX_KIND_BYTES)).toString("latin1"))?.[1];
}
