import { decodeEnvelope, type Envelope } from "@adaos/core";
import { type EventAddress, messageOf, parseSubject } from "@adaos/core/wire";
import type { StoredMessage } from "@adaos/transport-nats";
import type { EventMask } from "../mask/event-mask.ts";

/** A stored message as it may be shown: an event, or bytes of a writer who keeps no rule. */
export type OpenedStored =
  | { readonly kind: "event"; readonly envelope: Envelope }
  | { readonly kind: "malformed"; readonly reason: string };

/** Pure, but for the mask. */
export function openStored(
  { body, subject }: Pick<StoredMessage, "body" | "subject">,
  mask: EventMask,
): OpenedStored {
  try {
    return { kind: "event", envelope: mask.envelope(decodeEnvelope(body, false), subject) };
  } catch (thrown) {
    return { kind: "malformed", reason: messageOf(thrown) };
  }
}

/** The address in a stored subject; undefined for a subject of a writer who keeps no rule. Pure. */
export function addressOfStored(subject: string): EventAddress | undefined {
  try {
    return parseSubject(subject);
  } catch {
    return undefined;
  }
}
