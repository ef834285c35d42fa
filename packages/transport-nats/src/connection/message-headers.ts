import { TRAVELLING_HEADERS, travellingHeaders } from "@adaos/core/wire";
import type { Msg, MsgHdrs } from "nats";
import { eventIdWithin } from "../publish/message-ids.ts";
import { beginsWith, bytesOfMsg } from "./msg-bytes.ts";

const LINE_END = 10;
/** The first letters of all headers that travel. No header that a server writes begins with one of them. */
const FIRST_LETTERS: ReadonlySet<number> = new Set(TRAVELLING_HEADERS.map((name) => name.charCodeAt(0)));

/** The headers of a message that travel. Any other header from a publisher is dropped. */
export function headersOfMsg(msg: Msg): Record<string, string> {
  const headers = mayTravel(msg) ? msg.headers : undefined;
  return headers === undefined ? {} : travellingOf(headers);
}

/** As {@link headersOfMsg}, for headers without a message. */
export function travellingOf(headers: MsgHdrs): Record<string, string> {
  return travellingHeaders((name) => headers.get(name));
}

const ID = "\r\nNats-Msg-Id: ";
/** The first bytes of the headers of each message that this mesh publishes. */
const ID_FIRST: Buffer = Buffer.from(`NATS/1.0${ID}`);

/** The event id under which its writer has published a message, or an empty text. */
export function idOfMsg(msg: Msg): string {
  const head = headOf(msg);
  if (head === undefined) return eventIdWithin(msg.headers?.get("Nats-Msg-Id") ?? "");
  // This mesh writes the id first, so that no search is needed.
  const at = beginsWith(head, ID_FIRST) ? ID_FIRST.length - ID.length : head.indexOf(ID);
  if (at === -1) return "";
  const from = at + ID.length;
  return eventIdWithin(head.toString("latin1", from, head.indexOf("\r\n", from)));
}

/**
 * The value of a header that the delivering server has added under this name; empty when it added none. The server
 * writes behind all that was stored. The stored part may hold lines of the same name, or an unfinished line.
 */
export function serverHeader(msg: Msg, name: string): string {
  const head = headOf(msg);
  if (head === undefined) return msg.headers?.last(name) ?? "";
  const label = `${name}: `;
  const at = head.lastIndexOf(label, undefined, "latin1");
  if (at === -1) return "";
  return head.toString("latin1", at + label.length, head.indexOf("\r\n", at));
}

/** Whether the message may have a header that travels. */
function mayTravel(msg: Msg): boolean {
  const bytes = bytesOfMsg(msg);
  if (bytes === undefined) return true;
  const { content, headBytes } = bytes;
  for (
    let at = content.indexOf(LINE_END);
    at !== -1 && at < headBytes;
    at = content.indexOf(LINE_END, at + 1)
  )
    if (FIRST_LETTERS.has(content[at + 1] ?? 0)) return true;
  return false;
}

/**
 * The raw headers, which the client's own messages hold (nats 2.29.3). Parsing them takes longer than all other work on
 * most messages. Undefined for a message of another class.
 */
export function headOf(msg: Msg): Buffer | undefined {
  const bytes = bytesOfMsg(msg);
  if (bytes === undefined) return undefined;
  return Buffer.from(bytes.content.buffer, bytes.content.byteOffset, bytes.headBytes);
}
