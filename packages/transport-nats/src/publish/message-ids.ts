import { hash, hkdfSync } from "node:crypto";

/*
 * A server knows a message again by its `Nats-Msg-Id`, whoever wrote it: who foresees the id of another's message
 * stores something under it first, and the true one vanishes as a duplicate. So the id is the event id, a dot, and a
 * mac over subject and event id, by a key that only the processes of this node can make. The subject holds the
 * authenticated origin and says for which stream it is: what is seen in one stream tells nothing of another.
 */

/** Names the messages of a node for the servers that store them. */
export interface MessageIds {
  /**
   * The same for the same subject and event id in every process of the node, also after a restart.
   * @param salt Makes it another one. @default none
   */
  of(subject: string, eventId: string, salt?: string): string;
}

const CONTEXT = "adaos message ids 1";
const KEY_BYTES = 32;
const MAC_LENGTH = 22;
const MAC = /\.[A-Za-z0-9_-]{22}$/;

/** @param seed The node's own, which is never written anywhere: what is used is derived from it. */
export function keyedIds(seed: string): MessageIds {
  const key = Buffer.from(hkdfSync("sha256", seed, "", CONTEXT, KEY_BYTES)).toString("hex");
  return {
    // A key of one length in front, and half of the digest kept back: nobody can go on from a mac that he has seen. One
    // call takes 0.7 us, an HMAC 3 us (Node 20.20).
    of: (subject, eventId, salt = "") =>
      `${eventId}.${hash("sha256", `${key}\n${subject}\n${eventId}\n${salt}`, "base64url").slice(0, MAC_LENGTH)}`,
  };
}

/** The event id within a message id. One of an earlier version is the event id. */
export function eventIdWithin(messageId: string): string {
  return MAC.test(messageId) ? messageId.slice(0, -MAC_LENGTH - 1) : messageId;
}
