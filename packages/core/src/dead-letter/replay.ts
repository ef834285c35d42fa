import { createHash } from "node:crypto";
import { assertOrigin } from "../handle/open-delivery.ts";
import { checkEnvelope, decodeEnvelope, type Envelope, encodeEnvelope } from "../language/envelope.ts";
import { MeshError, messageOf } from "../language/errors.ts";
import { newEventId } from "../language/event-id.ts";
import { SIGNATURE_HEADER } from "../publish/signature.ts";
import { assertSigned, type Signatures } from "../publish/signatures.ts";
import { withoutReplyKey } from "../request/reply-proof.ts";
import type { Message } from "../transport.ts";
import { formatReplaySubject, formatSubject, parseDeliverySubject, parseSubject } from "../wire/subject.ts";
import type { DeadLetter } from "./dead-letter.ts";

/** Header of a replayed event: the id of its replay. */
const REPLAY_ID = "replay_id";
/** Header that names the effect of an event, see `effectKey()`. */
const IDEMPOTENCY_KEY = "idempotency_key";
/** Longest idempotency key that is written out: there must be room for the replay id beside it. */
const MAX_KEY_LENGTH = 512;
const REPLAY_ID_SHAPE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The fields of a dead letter that its replay is made from. */
export type ReplayableLetter = Pick<
  DeadLetter,
  "kind" | "dead_letter_id" | "at" | "node" | "durable" | "subject" | "message"
>;

/**
 * The message that gives a dead letter's event to its durable again: a new event id, caused by the old one, with the
 * same idempotency key. The same dead letter always makes the same id, so that a replay which was cut short can be
 * begun again. Signed anew, since its envelope is another; so the original is verified first, whatever its age. Pure.
 * Throws `invalid-event` when the dead letter holds no event, as that of a run, or `denied` when its subnet did not
 * sign it.
 */
export function replayOf(entry: ReplayableLetter, signatures: Signatures): Message {
  if (entry.kind === "run") {
    const what = `${entry.dead_letter_id} is of a run, whose action only its program can do again`;
    throw new MeshError("invalid-event", what);
  }
  const address = parseDeliverySubject(entry.subject);
  const { headers } = entry.message;
  const body = Buffer.from(entry.message.body_base64, "base64");
  const original = decodeEnvelope(body, false);
  assertSigned(original, signatures.verify(address.subnet, { subject: entry.subject, headers, body }));
  const id = replayEventId(entry);
  const envelope = {
    ...original,
    event_id: id,
    causation_id: original.event_id,
    headers: { idempotency_key: original.event_id, ...original.headers, replay_id: entry.dead_letter_id },
  };
  const [, node = ""] = entry.node.split("/");
  const subject = formatReplaySubject({ node, durable: entry.durable }, formatSubject(address));
  const message = { subject, id, headers: ownHeaders(headers), body: encodeEnvelope(envelope) };
  return signatures.sign(address.subnet, message, envelope);
}

/** The id that a dead letter's event has when it runs again. Pure. Throws `invalid-event` for a time that is none. */
export function replayEventId({
  at,
  dead_letter_id: id,
}: Pick<ReplayableLetter, "at" | "dead_letter_id">): string {
  const atMs = Date.parse(at);
  if (Number.isNaN(atMs)) throw new MeshError("invalid-event", "the dead letter states no time");
  return derivedEventId(atMs, id);
}

/** A message of a subnet's stream, where it lies. */
export interface StoredEvent {
  readonly stream: string;
  readonly seq: number;
  /** RFC 3339. */
  readonly storedAt: string;
  readonly subject: string;
  /** Trace context and signature. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Names one replay of the past: `RPL-<yyyymmdd>-<hhmmss>-<12 hex>`. */
export function newReplayId(nowMs: number): string {
  return newEventId(nowMs).replace(/^EVT/, "RPL");
}

/** The problem of a replay id that a user has chosen; undefined when there is none. */
export function replayIdProblem(id: string): string | undefined {
  return REPLAY_ID_SHAPE.test(id)
    ? undefined
    : "must be 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter or digit";
}

/**
 * The message that gives an event of the past to one durable again: a new event id, caused by the old one. Its effect
 * is one of its own, so that a handler runs again; one replay's is always the same, as are its ids, so that a replay
 * which was cut short can be begun again. Signed anew, as {@link replayOf} does. Pure. Throws `invalid-event` when what
 * is stored is no event, `denied` when its subnet did not sign it, and `too-large` when it leaves no room for what a
 * replay adds.
 */
export function replayOfStored(
  stored: StoredEvent,
  to: { readonly node: string; readonly durable: string },
  replayId: string,
  signatures: Signatures,
): Message {
  const { subnet, envelope: original } = openStored(stored);
  assertSigned(original, signatures.verify(subnet, stored));
  const { stream, seq, storedAt } = stored;
  // JSON keeps the parts apart, whatever they hold.
  const id = derivedEventId(
    Date.parse(storedAt),
    JSON.stringify([replayId, to.node, to.durable, stream, seq]),
  );
  const key = original.headers[IDEMPOTENCY_KEY] ?? original.event_id;
  const envelope = {
    ...original,
    event_id: id,
    causation_id: original.event_id,
    headers: {
      ...original.headers,
      [IDEMPOTENCY_KEY]: `${shortKey(key)}#${replayId}`,
      [REPLAY_ID]: replayId,
    },
  };
  const subject = formatReplaySubject(to, stored.subject);
  const message = { subject, id, headers: ownHeaders(stored.headers), body: encodeReplay(envelope) };
  return signatures.sign(subnet, message, envelope);
}

function openStored({ subject, body }: StoredEvent): {
  readonly subnet: string;
  readonly envelope: Envelope;
} {
  try {
    const envelope = decodeEnvelope(body, false);
    const address = parseSubject(subject);
    assertOrigin(envelope, address);
    return { subnet: address.subnet, envelope };
  } catch (cause) {
    throw new MeshError("invalid-event", `what is stored is no event: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The headers without signature and reply key, which belong to another envelope: no requester waits for a reply to a
 * replay.
 */
function ownHeaders({ [SIGNATURE_HEADER]: _, ...rest }: Message["headers"]): Message["headers"] {
  return withoutReplyKey(rest);
}

function encodeReplay(envelope: Envelope): Uint8Array {
  try {
    return encodeEnvelope(checkEnvelope(envelope, false));
  } catch (cause) {
    throw new MeshError("too-large", `no room for what a replay adds: ${messageOf(cause)}`, { cause });
  }
}

function shortKey(key: string): string {
  if (key.length <= MAX_KEY_LENGTH) return key;
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** The same event id for the same name. */
function derivedEventId(atMs: number, name: string): string {
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 12);
  return `${newEventId(atMs).slice(0, -12)}${digest}`;
}
