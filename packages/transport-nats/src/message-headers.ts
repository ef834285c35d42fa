import type { Msg } from "nats";
import type { MsgImpl } from "nats/lib/nats-base-client/msg.js";

/** The headers that travel with an event from server to server. All others belong to one server and are dropped. */
const TRAVELLING = ["traceparent", "tracestate", "baggage"] as const;
const MAX_VALUE_LENGTH = 8192;

/** Trace context of a message; nothing else that a stranger may have put into its headers is passed on. */
export function headersOfMsg(msg: Msg): Record<string, string> {
  const found: Record<string, string> = {};
  if (!mayTravel(msg) || msg.headers === undefined) return found;
  for (const key of TRAVELLING) {
    const value = msg.headers.get(key);
    if (value !== "" && value.length <= MAX_VALUE_LENGTH && /^[ -~]*$/.test(value)) found[key] = value;
  }
  return found;
}

/**
 * Whether any of them may be there: to read all headers takes longer than whatever else is done with most messages. Looks at
 * the headers and data as they came, which the client's own messages hold (nats 2.29.3).
 */
function mayTravel(msg: Msg): boolean {
  const { _rdata: raw, _msg: info } = msg as Msg & Partial<Pick<MsgImpl, "_rdata" | "_msg">>;
  if (raw === undefined || info === undefined) return true;
  if (info.hdr <= 0) return false;
  const head = Buffer.from(raw.buffer, raw.byteOffset, info.hdr);
  return TRAVELLING.some((key) => head.includes(key));
}
