import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import { signedSubject } from "../publish/signature.ts";
import type { Message } from "../transport.ts";

/**
 * A command that waits for a reply carries a key, and its reply a proof made with the key. A node that has not read the
 * command cannot answer it, whichever subjects a server lets it reach. Only requester and handlers know the key.
 */

/** Header of a command: the key that proves its replies. */
export const REPLY_KEY_HEADER = "Adaos-Reply-Key";
/** Header of a reply: the proof that its sender has read the command. */
export const REPLY_PROOF_HEADER = "Adaos-Reply-Proof";

/** Keeps these macs apart from those of any other use of a key. */
const CONTEXT = "adaos-reply-1";
/** 22 characters of base64url are 132 bits. */
const KEY_CHARACTERS = 22;
const KEY = /^[A-Za-z0-9_-]{22}$/;

/** The secret from which a node derives the keys of its requests; by default a new one for each process. */
export function replySecret(secret: string | Uint8Array = randomBytes(32)): KeyObject {
  return createSecretKey(createHmac("sha256", secret).update(CONTEXT).digest());
}

/**
 * The key of a request. A repetition with the same id has the same key, so the reply to the first request counts.
 */
export function replyKeyOf(secret: KeyObject, requestId: string): string {
  return createHmac("sha256", secret).update(requestId).digest("base64url").slice(0, KEY_CHARACTERS);
}

/** The key in a command's headers; undefined unless it is well-formed. */
export function replyKeyIn(headers: Message["headers"]): string | undefined {
  const key = headers[REPLY_KEY_HEADER];
  return key !== undefined && KEY.test(key) ? key : undefined;
}

/** The headers without the key: a stored command does not need it, and a forger of replies would. */
export function withoutReplyKey({ [REPLY_KEY_HEADER]: _, ...rest }: Message["headers"]): Message["headers"] {
  return rest;
}

/** The proof for a reply. Its subject names requester, request, responder and command. Pure. */
export function replyProofOf(key: string, { subject, body }: Pick<Message, "subject" | "body">): string {
  return createHmac("sha256", key)
    .update(`${CONTEXT}\n${signedSubject(subject)}\n`)
    .update(body)
    .digest("base64url");
}

/** Whether this key made a reply's proof. The comparison takes constant time. */
export function isProven(key: string, reply: Pick<Message, "subject" | "headers" | "body">): boolean {
  const wanted = Buffer.from(replyProofOf(key, reply), "latin1");
  const found = Buffer.from(reply.headers[REPLY_PROOF_HEADER] ?? "", "latin1");
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}
