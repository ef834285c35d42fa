import type { Msg } from "nats";
import type { MsgImpl } from "nats/lib/nats-base-client/msg.js";

/** A message as it came over the wire. The arrays are views of the client's buffer: do not keep them. */
export interface MsgBytes {
  readonly subject: Uint8Array;
  readonly reply: Uint8Array | undefined;
  /** Headers, then body. */
  readonly content: Uint8Array;
  readonly headBytes: number;
}

/**
 * The fields of the client's own messages (nats 2.29.3), whose properties make text and views anew at each access.
 * Undefined for a message of another class.
 */
export function bytesOfMsg(msg: Msg): MsgBytes | undefined {
  const { _rdata: content, _msg: info } = msg as Msg & Partial<Pick<MsgImpl, "_rdata" | "_msg">>;
  if (content === undefined || info === undefined) return undefined;
  return { subject: info.subject, reply: info.reply, content, headBytes: Math.max(0, info.hdr) };
}

/** Decodes subjects. Many messages in a row have the same one. */
export class SubjectReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #text = "";

  /** The subject of a message; one that repeats is not decoded again. */
  read(msg: Msg): string {
    const own = msg as Msg & Partial<Pick<MsgImpl, "_subject" | "_msg">>;
    const bytes = own._msg?.subject;
    if (bytes === undefined) return msg.subject;
    if (isEqual(bytes, this.#bytes)) own._subject = this.#text;
    else {
      this.#bytes = bytes.slice();
      this.#text = msg.subject;
    }
    return this.#text;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Whether `bytes` is longer than `begin` and begins with it. Compares from the end, where subjects and headers differ
 * most.
 */
export function beginsWith(bytes: Uint8Array, begin: Uint8Array): boolean {
  if (bytes.length <= begin.length) return false;
  for (let i = begin.length - 1; i >= 0; i--) if (bytes[i] !== begin[i]) return false;
  return true;
}
