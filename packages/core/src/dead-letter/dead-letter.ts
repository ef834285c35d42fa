import type { Classification } from "../handle/classify.ts";
import { type FailureInfo, failureInfo } from "../handle/failure-info.ts";
import { decodeEnvelope, type Envelope, isEventId, MAX_ENVELOPE_BYTES } from "../language/envelope.ts";
import { formatEventRef } from "../language/event-name.ts";
import { withoutReplyKey } from "../request/reply-proof.ts";
import type { Delivery, Message } from "../transport.ts";
import type { LetterOwner } from "../wire/dead-letter-subject.ts";
import { MAX_DEAD_LETTER_BYTES } from "../wire/message-size.ts";
import { eventsStream } from "../wire/names.ts";
import { parseParkedPlace } from "../wire/parked-subject.ts";
import { type EventAddress, formatSubject, type NodeAddress } from "../wire/subject.ts";

/** The rule of a dead letter that is parked: time cures it as soon as the schema of its event comes. */
export const UNKNOWN_EVENT_RULE = "unknown-event";

/** One failed attempt, as it is remembered. */
export interface Attempt {
  /** RFC 3339. */
  readonly at: string;
  readonly type: string;
  readonly message: string;
}

const MAX_ATTEMPT_MESSAGE_LENGTH = 500;

/** The part of a failed attempt that is kept. Pure. */
export function attemptOf(thrown: unknown, nowMs: number): Attempt {
  const { type, message } = failureInfo(thrown);
  const at = new Date(nowMs).toISOString();
  return { at, type, message: message.slice(0, MAX_ATTEMPT_MESSAGE_LENGTH) };
}

/** Why an event is here and not handled, with all that is needed to run it again. Field names are the wire format. */
export interface DeadLetter {
  /** `run`: no event, but an action that a program ran with `bus.run`. It has no place in a stream and no bytes. */
  readonly kind?: "run";
  /** The same for every copy of one event's failure at one durable, so that a repeated write stores one. */
  readonly dead_letter_id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly category: Classification["category"];
  /** The rule that decided the category. */
  readonly rule: string;
  readonly error: FailureInfo;
  readonly attempts: readonly Attempt[];
  readonly delivery_count: number;
  /** The node that could not handle it, `beta/desk`, and its durable. */
  readonly node: string;
  readonly durable: string;
  /** Where the original lies. */
  readonly stream: string;
  readonly seq: number;
  readonly subject: string;
  /** Where the message was no envelope: the message's own id, if that can be the id of an event; else empty. */
  readonly event_id: string;
  readonly event_name: string;
  readonly correlation_id: string;
  /** The original, byte for byte. */
  readonly message: {
    readonly headers: Readonly<Record<string, string>>;
    readonly body_base64: string;
    /** The body was larger than any event may be: only its beginning is here. The original lies in its stream. */
    readonly truncated?: true;
  };
}

/** The facts that a dead letter is written from. */
export interface DeadLetterFacts {
  readonly delivery: Pick<Delivery, "message" | "stream" | "seq" | "deliveryCount">;
  readonly handler: NodeAddress & { readonly durable: string };
  /** Undefined when the subject is not one of the mesh. */
  readonly address: EventAddress | undefined;
  /** Undefined when the message was not an envelope. */
  readonly envelope: { readonly event_id: string; readonly correlation_id: string } | undefined;
  readonly classification: Classification;
  readonly error: unknown;
  readonly attempts: readonly Attempt[];
  readonly nowMs: number;
}

/** The id of the dead letter that a durable leaves of the event at this place. Pure. */
export function deadLetterId(
  stream: string,
  seq: number,
  { node, durable }: { readonly node: string; readonly durable: string },
): string {
  // Node and durable may hold dashes: joined by one, a-b/c and a/b-c would share an id and one letter be lost.
  return `DLQ-${stream}-${seq}-${node}.${durable}`;
}

/** The facts of a run that failed for good. */
export interface RunLetterFacts
  extends Pick<DeadLetterFacts, "handler" | "classification" | "error" | "attempts" | "nowMs"> {
  readonly runId: string;
  readonly name: string;
}

/** Pure. */
export function newRunLetter({ runId, name, handler, ...facts }: RunLetterFacts): DeadLetter {
  const { classification, error, attempts, nowMs } = facts;
  return {
    kind: "run",
    dead_letter_id: runLetterId(runId, handler),
    at: new Date(nowMs).toISOString(),
    category: classification.category,
    rule: classification.rule,
    error: failureInfo(error),
    attempts,
    delivery_count: attempts.length,
    node: `${handler.subnet}/${handler.node}`,
    durable: handler.durable,
    stream: "",
    seq: 0,
    subject: "",
    event_id: runId,
    event_name: name,
    correlation_id: runId,
    message: { headers: {}, body_base64: "" },
  };
}

/** The id of the dead letter that a run leaves. Pure. */
function runLetterId(runId: string, { node, durable }: Pick<LetterOwner, "node" | "durable">): string {
  return `DLQ-${runId}-${node}.${durable}`;
}

/** The id of the dead letter that what is recorded has left, or would leave. Pure. */
export function letterIdOf({
  stream,
  seq,
  event_id,
  node: of,
  durable,
}: Pick<DeadLetter, "stream" | "seq" | "event_id" | "node" | "durable">): string {
  const node = of.split("/").at(-1) ?? "";
  return stream === ""
    ? runLetterId(event_id, { node, durable })
    : deadLetterId(stream, seq, { node, durable });
}

/** Pure. */
export function newDeadLetter(facts: DeadLetterFacts): DeadLetter {
  const { delivery, handler, envelope, address, classification } = facts;
  const { message, stream, seq, deliveryCount } = delivery;
  return {
    dead_letter_id: deadLetterId(stream, seq, handler),
    at: new Date(facts.nowMs).toISOString(),
    category: classification.category,
    rule: classification.rule,
    error: failureInfo(facts.error),
    attempts: facts.attempts,
    delivery_count: deliveryCount,
    node: `${handler.subnet}/${handler.node}`,
    durable: handler.durable,
    stream,
    seq,
    subject: message.subject,
    event_id: envelope?.event_id ?? (isEventId(message.id) ? message.id : ""),
    event_name: address?.name ?? "",
    correlation_id: envelope?.correlation_id ?? "",
    message: keptMessage(message),
  };
}

/**
 * A parked event, as the dead letter of a durable that waits for it. It is the same at each look, so that every release
 * makes the same event. Pure. Throws `invalid-event` when `place` is none.
 */
export function parkedLetter(
  { subnet, node, durable }: LetterOwner,
  place: string,
  { headers, body }: Pick<Message, "headers" | "body">,
): DeadLetter {
  const { seq, storedMs, address } = parseParkedPlace(place);
  const event = formatEventRef(address.name, address.version);
  const envelope = readEnvelope(body);
  const message = `the registry of ${subnet}/${node} had no schema of ${event}`;
  const letter = newDeadLetter({
    delivery: {
      message: { subject: formatSubject(address), id: envelope?.event_id ?? "", headers, body },
      stream: eventsStream(subnet),
      seq,
      deliveryCount: 1,
    },
    handler: { subnet, node, durable },
    address,
    envelope,
    classification: { category: "transient", rule: UNKNOWN_EVENT_RULE },
    error: message,
    attempts: [],
    nowMs: storedMs,
  });
  // No error was thrown for a parked event.
  return { ...letter, error: { type: "MeshError", message, stack: "" } };
}

/** Undefined when the body is not an envelope: a look at parked events must not fail because of it. */
function readEnvelope(body: Uint8Array): Envelope | undefined {
  try {
    return decodeEnvelope(body, false);
  } catch {
    return undefined;
  }
}

/** A message that is no event may be larger than any envelope, and its dead letter must still fit a stream. */
function keptMessage({ headers: all, body }: Message): DeadLetter["message"] {
  const headers = withoutReplyKey(all);
  const kept = body.subarray(0, MAX_ENVELOPE_BYTES);
  const body_base64 = Buffer.from(kept).toString("base64");
  return kept.length < body.length ? { headers, body_base64, truncated: true } : { headers, body_base64 };
}

/** Left free for the headers of the message that holds a dead letter. */
const HEADER_ROOM_BYTES = 1024;

/**
 * A dead letter as it is stored. It always fits. An error may be text of which a letter takes six bytes in JSON: so
 * where all attempts are too much, only the last is kept, without a stack. Pure.
 */
export function encodeDeadLetter(entry: DeadLetter): Uint8Array {
  const whole = encode(entry);
  if (whole.length <= MAX_DEAD_LETTER_BYTES - HEADER_ROOM_BYTES) return whole;
  return encode({ ...entry, error: { ...entry.error, stack: "" }, attempts: entry.attempts.slice(-1) });
}

function encode(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
