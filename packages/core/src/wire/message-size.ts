import { MAX_ENVELOPE_BYTES } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import type { Message } from "../transport.ts";

/**
 * Limits of a message, headers and body together, in each kind of stream. A server adds headers when it delivers a
 * message, so each limit is at least 64 KiB below the servers' `max_payload`.
 */

/**
 * Limit in transit, on every server of a mesh. It is above 1 MiB, the limit of messages that older versions have
 * stored.
 */
export const MAX_PAYLOAD_BYTES = 1_114_112;
/** An event, a reply or a replay: an envelope, and 64 KiB for its headers. */
export const MAX_EVENT_BYTES: number = MAX_ENVELOPE_BYTES + 65_536;
/** A dead letter: an envelope in base64 (349,528), its headers, and the report of its failure. */
export const MAX_DEAD_LETTER_BYTES = 524_288;
export const MAX_RECORD_BYTES = 131_072;
/** A mark is empty but for its headers: a larger one would only fill the memory. */
export const MAX_MARK_BYTES = 512;
/** Some 500 series of each metric, in one hour and in all. */
export const MAX_METRICS_BYTES = 1_048_576;

/** Added by a publisher: the message id beside the id itself, and the headers of an atomic batch. */
const ADDED_BYTES = 192;

/** The most bytes that a stored message takes, including the publisher's additions. */
export function messageBytes({ id, headers, body }: Message): number {
  let bytes = ADDED_BYTES + id.length + body.length;
  for (const key in headers) bytes += key.length + (headers[key]?.length ?? 0) + 4;
  return bytes;
}

/** The `too-large` of a message above the stream's limit, or undefined. */
export function sizeProblem(message: Message, maxBytes: number): MeshError | undefined {
  const bytes = messageBytes(message);
  if (bytes <= maxBytes) return undefined;
  const what = `message to ${message.subject} is ${bytes} bytes with its headers, the limit is ${maxBytes}`;
  return new MeshError("too-large", `${what}; send a reference to large data instead`);
}
