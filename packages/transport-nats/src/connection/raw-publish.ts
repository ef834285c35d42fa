import type { Msg, MsgHdrs, NatsConnection } from "nats";
import type { ProtocolHandler } from "nats/lib/nats-base-client/protocol.js";
import { bytesOfMsg } from "./msg-bytes.ts";

/** A message to be sent over the wire. */
export interface RawMessage {
  readonly subject: string;
  /** As {@link headerBlock} writes them. */
  readonly headers: string;
  readonly body: Uint8Array;
  readonly reply?: string | undefined;
}

/**
 * The headers of a message as text, ready to be sent. The client's own object costs more than the rest of a publish.
 * The caller has checked names and values: printable ASCII, no colon in a name.
 * @param first Lines that come first.
 */
export function headerBlock(headers: Readonly<Record<string, string>>, first: string): string {
  let block = `NATS/1.0\r\n${first}`;
  for (const key in headers) block += `${key}: ${headers[key]}\r\n`;
  return block;
}

const CR = 13;
const LF = 10;

/**
 * Publishes messages together: their lines, headers and bodies become one buffer, which the client's protocol sends as
 * it is (nats 2.29.3). Message by message, the client makes five buffers of each and copies them into a sixth. The
 * caller has checked that the connection is open, and that the server accepts the subjects and sizes.
 */
export function publishRaw(nc: NatsConnection, messages: readonly RawMessage[]): void {
  const { protocol } = nc as NatsConnection & { readonly protocol?: ProtocolHandler };
  if (protocol === undefined) {
    for (const message of messages) publishByClient(nc, message);
    return;
  }
  let size = 0;
  const heads: string[] = [];
  for (const { subject, headers, body, reply } of messages) {
    const headerBytes = headers.length + 2;
    const to = reply === undefined ? subject : `${subject} ${reply}`;
    const head = `HPUB ${to} ${headerBytes} ${headerBytes + body.length}\r\n${headers}\r\n`;
    heads.push(head);
    size += head.length + body.length + 2;
    protocol.outBytes += headerBytes + body.length;
  }
  protocol.outMsgs += messages.length;
  const frame = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [i, { body }] of messages.entries()) {
    at += frame.write(heads[i] ?? "", at, "latin1");
    frame.set(body, at);
    at += body.length;
    frame[at++] = CR;
    frame[at++] = LF;
  }
  protocol.sendCommand(frame);
}

/** The answer to one message. */
export interface RawAnswer {
  readonly msg: Msg;
  /** ASCII. */
  readonly word: string;
}

const PUB: Buffer = Buffer.from("PUB ");

/** Answers messages together, as {@link publishRaw} publishes. It does not decode the reply subjects. */
export function respondRaw(nc: NatsConnection, answers: readonly RawAnswer[]): void {
  const { protocol } = nc as NatsConnection & { readonly protocol?: ProtocolHandler };
  const known: { readonly to: Uint8Array; readonly tail: string }[] = [];
  let size = 0;
  for (const { msg, word } of answers) {
    const to = protocol === undefined ? undefined : bytesOfMsg(msg)?.reply;
    if (protocol === undefined || to === undefined) {
      msg.respond(word);
      continue;
    }
    const tail = ` ${word.length}\r\n${word}\r\n`;
    known.push({ to, tail });
    size += PUB.length + to.length + tail.length;
    protocol.outBytes += word.length;
    protocol.outMsgs++;
  }
  if (known.length === 0) return;
  const frame = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { to, tail } of known) {
    frame.set(PUB, at);
    frame.set(to, at + PUB.length);
    at += PUB.length + to.length;
    at += frame.write(tail, at, "latin1");
  }
  protocol?.sendCommand(frame);
}

/** For a client whose protocol is not accessible. */
function publishByClient(nc: NatsConnection, { subject, headers, body, reply }: RawMessage): void {
  const options = { headers: toSend(headers) };
  nc.publish(subject, body, reply === undefined ? options : { ...options, reply });
}

/** An object that the client accepts as headers: the client asks it only for the bytes. */
export function toSend(block: string): MsgHdrs {
  const headers: Pick<EncodedHeaders, "encode"> = { encode: () => Buffer.from(`${block}\r\n`, "latin1") };
  return headers as EncodedHeaders;
}

interface EncodedHeaders extends MsgHdrs {
  encode(): Uint8Array;
}
