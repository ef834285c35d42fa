import { SIGNATURE_HEADER } from "../publish/signature.ts";
import { REPLY_KEY_HEADER, REPLY_PROOF_HEADER } from "../request/reply-proof.ts";

/**
 * The headers that travel with a message on every transport, from server to server: trace context, signature, and what
 * binds a reply to its request. All others belong to one server, or are a stranger's, and are dropped.
 */
export const TRAVELLING_HEADERS: readonly string[] = [
  "traceparent",
  "tracestate",
  "baggage",
  SIGNATURE_HEADER,
  REPLY_KEY_HEADER,
  REPLY_PROOF_HEADER,
];

const MAX_VALUE_LENGTH = 8192;
const VALUE = /^[ -~]+$/;

/**
 * The headers that travel, of those that a stranger may have written; one with a value that no header can have stays
 * behind.
 * @param held Value of the header of this name; nothing, or an empty one, where there is none.
 */
export function travellingHeaders(held: (name: string) => string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of TRAVELLING_HEADERS) {
    const value = held(name);
    if (value !== undefined && value.length <= MAX_VALUE_LENGTH && VALUE.test(value)) found[name] = value;
  }
  return found;
}
