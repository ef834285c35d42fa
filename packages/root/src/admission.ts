import {
  assertOrigin,
  decodeEnvelope,
  deniedError,
  type Envelope,
  MeshError,
  type Message,
  type Policy,
  parseSubject,
} from "@adaos/core";
import { headersOfMsg } from "@adaos/transport-nats";
import type { Msg } from "nats";

export type Direction = "up" | "down";

/** A message that may cross, and the envelope it carries. */
export interface Admitted {
  readonly envelope: Envelope;
  readonly message: Message;
}

/**
 * Decides whether a stored message may cross a link. The servers' filters have let it through; this is the same
 * question asked once more, of the message itself. Pure. Throws `denied` (with the rule) or `invalid-event`.
 */
export function admit(policy: Policy, direction: Direction, subnet: string, msg: Msg): Admitted {
  const address = parseSubject(msg.subject);
  const foreign = address.subnet !== subnet;
  if (direction === "up" && foreign) {
    throw new MeshError("denied", `${subnet} may not send an event of ${address.subnet}`, { rule: "origin" });
  }
  if (direction === "down" && !foreign) {
    throw new MeshError("denied", `an event of ${subnet} is not sent back to it`, { rule: "origin" });
  }
  const verb = direction === "up" ? "export" : "import";
  const decision = policy.decide({ verb, subnet }, address.name, address.version);
  if (!decision.allowed) throw deniedError(decision);
  const envelope = decodeEnvelope(msg.data);
  assertOrigin(envelope, address);
  // The bytes pass as they are; only the headers that belong to the journey pass with them.
  const message = { subject: msg.subject, id: envelope.event_id, headers: headersOfMsg(msg), body: msg.data };
  return { envelope, message };
}
