import { hash, hkdfSync } from "node:crypto";

/*
 * A server recognises a duplicate by its `Nats-Msg-Id`, whoever wrote it. An attacker who predicts an id could store
 * something under it first, and the true message would vanish as a duplicate. So the id is the event id, a dot, and a
 * MAC over subject and event id, with a key that only this node's processes can derive. The subject contains the
 * authenticated origin and determines the stream: ids seen in one stream reveal nothing about another.
 */

/** Makes the ids by which servers recognise a node's messages. */
export interface MessageIds {
  /**
   * The same id for the same subject and event id in every process of the node, also after a restart.
   * @param salt Makes a different id. @default none
   */
  of(subject: string, eventId: string, salt?: string): string;
}

const CONTEXT = "adaos message ids 1";
const KEY_BYTES = 32;
const MAC_LENGTH = 22;
const MAC = /\.[A-Za-z0-9_-]{22}$/;

/** @param seed The node's own, which is never written anywhere: the key is derived from it. */
export function keyedIds(seed: string): MessageIds {
  const key = Buffer.from(hkdfSync("sha256", seed, "", CONTEXT, KEY_BYTES)).toString("hex");
  return {
    // A key of fixed length comes first, and half of the digest is withheld: nobody can extend a MAC that he has seen.
    // One call takes 0.7 us, an HMAC 3 us (Node 20.20).
    of: (subject, eventId, salt = "") =>
      `${eventId}.${hash("sha256", `${key}\n${subject}\n${eventId}\n${salt}`, "base64url").slice(0, MAC_LENGTH)}`,
  };
}

/** The event id within a message id. An id of an earlier version is itself the event id. */
export function eventIdWithin(messageId: string): string {
  return MAC.test(messageId) ? messageId.slice(0, -MAC_LENGTH - 1) : messageId;
}
