import { SIGNATURE_HEADER } from "../publish/signature.ts";
import { REPLY_KEY_HEADER, REPLY_PROOF_HEADER } from "../request/reply-proof.ts";

/**
 * The headers that travel with a message on every transport, from server to server: trace context, signature, and
 * the reply key and proof. All others are local to one server, or a stranger's, and are dropped.
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
 * The headers that travel, of those that a stranger may have written. A header with an invalid value is dropped.
 * @param headerOf Value of the header of this name; undefined or empty where there is none.
 */
export function travellingHeaders(headerOf: (name: string) => string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of TRAVELLING_HEADERS) {
    const value = headerOf(name);
    if (value !== undefined && value.length <= MAX_VALUE_LENGTH && VALUE.test(value)) found[name] = value;
  }
  return found;
}
