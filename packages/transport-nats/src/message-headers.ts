import type { Msg } from "nats";

/** The headers that travel with an event from server to server. All others belong to one server and are dropped. */
const TRAVELLING = ["traceparent", "tracestate", "baggage"] as const;
const MAX_VALUE_LENGTH = 8192;

/** Trace context of a message; nothing else that a stranger may have put into its headers is passed on. */
export function headersOfMsg(msg: Msg): Record<string, string> {
  const found: Record<string, string> = {};
  if (msg.headers === undefined) return found;
  for (const key of TRAVELLING) {
    const value = msg.headers.get(key);
    if (value !== "" && value.length <= MAX_VALUE_LENGTH && /^[ -~]*$/.test(value)) found[key] = value;
  }
  return found;
}
