import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { MeshError } from "../language/errors.ts";
import type { Message } from "../transport.ts";
import { storedReplySubject } from "../wire/reply-subject.ts";
import { isReplaySubject, replayedSubject } from "../wire/subject.ts";

/**
 * A signature is one header, `<key id> <event id> <ts> <mac>`. The mac is HMAC-SHA256 over these three, the subject
 * and the body as sent. Id and time are in the header so that a body is read only after its signature is verified.
 */

/** Header with the signature of an event; it travels with the event everywhere. */
export const SIGNATURE_HEADER = "Adaos-Signature";
/** Bytes of a key. */
export const SIGNATURE_KEY_BYTES = 32;

/** A key that signs or verifies. The runtime keeps its bytes: printed, it shows none. */
export type SignatureKey = KeyObject;

/** The fields of a signature. */
export interface Signature {
  readonly keyId: string;
  readonly eventId: string;
  /** RFC 3339. */
  readonly ts: string;
  /** HMAC-SHA256, base64url. */
  readonly mac: string;
}

const HEADER = /^([a-z0-9-]{1,32}) ([!-~]{1,64}) ([!-~]{1,64}) ([A-Za-z0-9_-]{43})$/;
/** Keeps these macs apart from those of any other use of a key. */
const CONTEXT = "adaos-event-1";

/** Takes {@link SIGNATURE_KEY_BYTES} random bytes. Throws `internal` for fewer. */
export function signatureKey(bytes: Uint8Array): SignatureKey {
  if (bytes.length === SIGNATURE_KEY_BYTES) return createSecretKey(bytes);
  throw new MeshError("internal", `a signature key is ${SIGNATURE_KEY_BYTES} bytes`);
}

/** The header's value for an event that is published like this. Pure. */
export function signatureOf(
  message: Pick<Message, "subject" | "body">,
  { eventId, ts }: Pick<Signature, "eventId" | "ts">,
  keyId: string,
  key: SignatureKey,
): string {
  return `${keyId} ${eventId} ${ts} ${macOf(message, { keyId, eventId, ts }, key)}`;
}

/** Splits a header's value; undefined unless it is a signature. */
export function parseSignature(header: string): Signature | undefined {
  const [, keyId, eventId, ts, mac] = HEADER.exec(header) ?? [];
  if (keyId === undefined || eventId === undefined || ts === undefined || mac === undefined) return undefined;
  return { keyId, eventId, ts, mac };
}

/** Whether this key signed this message. The comparison takes constant time. */
export function isSignedBy(
  message: Pick<Message, "subject" | "body">,
  signature: Signature,
  key: SignatureKey,
): boolean {
  // Compared as text: several base64url spellings mean the same bytes.
  const wanted = Buffer.from(macOf(message, signature, key), "latin1");
  const found = Buffer.from(signature.mac, "latin1");
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}

/** Tokens and subject contain no line end: no two messages give the same bytes. */
function macOf(
  { subject, body }: Pick<Message, "subject" | "body">,
  { keyId, eventId, ts }: Omit<Signature, "mac">,
  key: SignatureKey,
): string {
  return createHmac("sha256", key)
    .update(`${CONTEXT}\n${keyId}\n${eventId}\n${ts}\n${signedSubject(subject)}\n`)
    .update(body)
    .digest("base64url");
}

/**
 * The subject that a signature covers: of a replay the event's subject, of a reply the one that it is published
 * under.
 */
export function signedSubject(subject: string): string {
  return isReplaySubject(subject) ? replayedSubject(subject) : storedReplySubject(subject);
}
