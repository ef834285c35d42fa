import { MeshError } from "../language/errors.ts";
import { quote } from "../language/event-name.ts";
import type { Message } from "../transport.ts";
import { sizeProblem } from "./message-size.ts";

/**
 * The `invalid-event` or `too-large` of a message that no server stores, or undefined. The same on every transport,
 * so that all take the same messages.
 */
export function messageProblem(message: Message, maxBytes: number): MeshError | undefined {
  const { subject, id, headers } = message;
  // A space in a subject makes nats-server end the connection; a wildcard would be stored.
  if (!/^[!-)+-=?-~]+$/.test(subject) || !/^[ -~]+$/.test(id)) {
    const what = `message ${quote(id)} to ${quote(subject)}`;
    return new MeshError("invalid-event", `${what} has an id or a subject that no message can have`);
  }
  const tooLarge = sizeProblem(message, maxBytes);
  if (tooLarge !== undefined) return tooLarge;
  for (const [key, value] of Object.entries(headers)) {
    if (/^[!-9;-~]+$/.test(key) && /^[ -~]*$/.test(value) && !key.toLowerCase().startsWith("nats-")) continue;
    return new MeshError("invalid-event", `message header ${quote(key)} is reserved or not printable ASCII`);
  }
  return undefined;
}
