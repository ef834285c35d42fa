import { TRAVELLING_HEADERS } from "@adaos/core/wire";
import type { Msg, MsgHdrs } from "nats";
import type { MsgImpl } from "nats/lib/nats-base-client/msg.js";
import { eventIdWithin } from "../publish/message-ids.ts";

/** One of these is in the name of every header that travels. */
const TOKENS = ["traceparent", "tracestate", "baggage", "Adaos-"] as const;
const MAX_VALUE_LENGTH = 8192;

/** The headers of a message that travel; nothing else that a stranger may have put into its headers is passed on. */
export function headersOfMsg(msg: Msg): Record<string, string> {
  const headers = mayTravel(msg) ? msg.headers : undefined;
  return headers === undefined ? {} : travellingOf(headers);
}

/** The same of headers that stand alone. */
export function travellingOf(headers: MsgHdrs): Record<string, string> {
  return travelling((key) => headers.get(key));
}

/** The same of headers that a stranger has written down. */
export function travellingHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return travelling((key) => headers[key] ?? "");
}

function travelling(held: (key: string) => string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const key of TRAVELLING_HEADERS) {
    const value = held(key);
    if (value !== "" && value.length <= MAX_VALUE_LENGTH && /^[ -~]*$/.test(value)) found[key] = value;
  }
  return found;
}

const ID = "\r\nNats-Msg-Id: ";

/** The event id under which its writer has published a message, or nothing. */
export function idOfMsg(msg: Msg): string {
  const head = headOf(msg);
  if (head === undefined) return eventIdWithin(msg.headers?.get("Nats-Msg-Id") ?? "");
  const at = head.indexOf(ID);
  if (at === -1) return "";
  return eventIdWithin(head.toString("latin1", at + ID.length, head.indexOf("\r\n", at + ID.length)));
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
  const head = headOf(msg);
  return head === undefined || TOKENS.some((token) => head.includes(token));
}

/**
 * The headers as they came, which the client's own messages hold (nats 2.29.3): to read them all takes longer than
 * whatever else is done with most messages. Nothing for a message that is another's.
 */
function headOf(msg: Msg): Buffer | undefined {
  const { _rdata: raw, _msg: info } = msg as Msg & Partial<Pick<MsgImpl, "_rdata" | "_msg">>;
  if (raw === undefined || info === undefined) return undefined;
  return Buffer.from(raw.buffer, raw.byteOffset, Math.max(0, info.hdr));
}
