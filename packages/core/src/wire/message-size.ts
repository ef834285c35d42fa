import { MAX_ENVELOPE_BYTES } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import type { Message } from "../transport.ts";

/*
 * How large a message may be, headers and body together, in each kind of stream. A server adds headers of its own when
 * it delivers one, so each limit lies at least 64 KiB below what servers let through.
 */

/** On its way, on every server of a mesh. So much below it lies whatever an older version has stored: 1 MiB. */
export const MAX_PAYLOAD_BYTES = 1_114_112;
/** An event, a reply or a replay: an envelope, and 64 KiB for what travels beside it. */
export const MAX_EVENT_BYTES: number = MAX_ENVELOPE_BYTES + 65_536;
/** A dead letter: an envelope in base64 (349,528), its headers, and what is told of its failure. */
export const MAX_DEAD_LETTER_BYTES = 524_288;
export const MAX_RECORD_BYTES = 131_072;
/** A mark is empty but for its headers: nobody may fill the memory with anything larger. */
export const MAX_MARK_BYTES = 512;
/** Some 500 series of each metric, in one hour and in all. */
export const MAX_METRICS_BYTES = 1_048_576;

/** What a publisher adds: its message id with the id's own letters, and the headers of an atomic batch. */
const ADDED_BYTES = 192;

/** What a message takes at most where it is stored, with all that its publisher adds. */
export function messageBytes({ id, headers, body }: Message): number {
  let bytes = ADDED_BYTES + id.length + body.length;
  for (const key in headers) bytes += key.length + (headers[key]?.length ?? 0) + 4;
  return bytes;
}

/** The `too-large` of a message that no stream of that limit takes, or nothing. */
export function sizeProblem(message: Message, maxBytes: number): MeshError | undefined {
  const bytes = messageBytes(message);
  if (bytes <= maxBytes) return undefined;
  const what = `message to ${message.subject} is ${bytes} bytes with its headers, the limit is ${maxBytes}`;
  return new MeshError("too-large", `${what}; send a reference to large data instead`);
}
