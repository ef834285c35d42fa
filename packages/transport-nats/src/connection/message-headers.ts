import { TRAVELLING_HEADERS, travellingHeaders } from "@adaos/core/wire";
import type { Msg, MsgHdrs } from "nats";
import { eventIdWithin } from "../publish/message-ids.ts";
import { beginsWith, bytesOfMsg } from "./msg-bytes.ts";

const LINE_END = 10;
/** With one of these begins the name of every header that travels, and of none that a server writes. */
const FIRST_LETTERS: ReadonlySet<number> = new Set(TRAVELLING_HEADERS.map((name) => name.charCodeAt(0)));

/** The headers of a message that travel; nothing else that a stranger may have put into its headers is passed on. */
export function headersOfMsg(msg: Msg): Record<string, string> {
  const headers = mayTravel(msg) ? msg.headers : undefined;
  return headers === undefined ? {} : travellingOf(headers);
}

/** The same of headers that stand alone. */
export function travellingOf(headers: MsgHdrs): Record<string, string> {
  return travellingHeaders((name) => headers.get(name));
}

const ID = "\r\nNats-Msg-Id: ";
/** How the headers of what this mesh publishes begin. */
const ID_FIRST: Buffer = Buffer.from(`NATS/1.0${ID}`);

/** The event id under which its writer has published a message, or nothing. */
export function idOfMsg(msg: Msg): string {
  const head = headOf(msg);
  if (head === undefined) return eventIdWithin(msg.headers?.get("Nats-Msg-Id") ?? "");
  // It comes first in what this mesh publishes: then nothing has to be searched for.
  const at = beginsWith(head, ID_FIRST) ? ID_FIRST.length - ID.length : head.indexOf(ID);
  if (at === -1) return "";
  const from = at + ID.length;
  return eventIdWithin(head.toString("latin1", from, head.indexOf("\r\n", from)));
}

/**
 * What the server that delivers a message has written into its headers under this name; nothing where it has not. It
 * writes behind all that was stored, which may hold lines of the same name, or none that ends.
 */
export function serverHeader(msg: Msg, name: string): string {
  const head = headOf(msg);
  if (head === undefined) return msg.headers?.last(name) ?? "";
  const label = `${name}: `;
  const at = head.lastIndexOf(label, undefined, "latin1");
  if (at === -1) return "";
  return head.toString("latin1", at + label.length, head.indexOf("\r\n", at));
}

/** Whether any of them may be there. */
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
 * The headers as they came, which the client's own messages hold (nats 2.29.3): to read them all takes longer than
 * whatever else is done with most messages. Nothing for a message that is another's.
 */
export function headOf(msg: Msg): Buffer | undefined {
  const bytes = bytesOfMsg(msg);
  if (bytes === undefined) return undefined;
  return Buffer.from(bytes.content.buffer, bytes.content.byteOffset, bytes.headBytes);
}
