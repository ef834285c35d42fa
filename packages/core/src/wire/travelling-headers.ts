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
