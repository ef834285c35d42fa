import { assertOrigin, assertTenant } from "../handle/open-delivery.ts";
import { decodeEnvelope, type Envelope } from "../language/envelope.ts";
import { MeshError, type MeshErrorCode, messageOf } from "../language/errors.ts";
import { formatEventRef } from "../language/event-name.ts";
import { assertContract, type Publisher } from "../publish/publish.ts";
import { assertSigned } from "../publish/signatures.ts";
import type { EventContract, Message } from "../transport.ts";
import { parseReplySubject, replyName } from "../wire/reply-subject.ts";
import { isProven } from "./reply-proof.ts";

/** Header of a command whose sender waits for a reply: `<subnet>/<node>`. */
export const REPLY_TO = "reply_to";
/** Header of a reply that reports a failure: its kind. The reply's data is `{ message }`. */
export const REPLY_ERROR = "reply_error";
/** The kind of failure of a command that never began: its handler had no room for it. */
export const BUSY = "busy";

/** Error codes of the failures that a reply reports. */
const REPORTED: ReadonlySet<MeshErrorCode> = new Set(["failed", "backpressure"]);

/** The command, and the key that proves replies to it. */
export interface OpenRequest {
  readonly envelope: Envelope;
  readonly key: string;
}

/**
 * Checks a reply as if nobody had done so before. Throws `failed` when it reports a failure, `backpressure` when
 * its handler had no room for the command, `denied` or `invalid-event`. Its age needs no check: it names the
 * request, whose id nobody knew before.
 */
function openReply(
  { signatures }: Publisher,
  message: Message,
  { envelope: asked, key }: OpenRequest,
  contract: EventContract,
): Envelope {
  const { subject, body } = message;
  if (!isProven(key, message)) {
    throw new MeshError("denied", `${subject} was sent without reading the request`, {
      rule: "reply-proof",
    });
  }
  const { requester, responder, name, version } = parseReplySubject(subject);
  const signature = signatures?.verify(responder.subnet, message);
  const envelope = decodeEnvelope(body, contract.classified === undefined);
  assertSigned(envelope, signature);
  assertOrigin(envelope, { ...responder, name: contract.name, version: contract.version });
  if (responder.subnet === requester.subnet) assertTenant(envelope, asked.tenant);
  const command = formatEventRef(asked.event_name, asked.version);
  if (name !== asked.event_name || version !== asked.version || envelope.causation_id !== asked.event_id) {
    throw new MeshError("invalid-event", `${subject} is no reply to this request of ${command}`);
  }
  const failure = Object.hasOwn(envelope.headers, REPLY_ERROR) ? envelope.headers[REPLY_ERROR] : undefined;
  if (failure !== undefined) {
    const who = `${responder.subnet}/${responder.node}`;
    const why = messageOf((envelope.data as { message?: unknown } | null)?.message);
    throw new MeshError(
      failure === BUSY ? "backpressure" : "failed",
      `${who} could not handle ${command}: ${why}`,
    );
  }
  assertContract(contract, envelope, "validateReceived");
  return envelope;
}

/**
 * The reply, or the failure that it reports; undefined where it is invalid, by mistake or malice: the right reply
 * may yet come.
 */
export function replyOrNothing(
  publisher: Publisher,
  message: Message,
  asked: OpenRequest,
  contract: EventContract,
): Envelope | MeshError | undefined {
  try {
    return openReply(publisher, message, asked, contract);
  } catch (thrown) {
    return thrown instanceof MeshError && REPORTED.has(thrown.code) ? thrown : undefined;
  }
}

/** The contract of the reply to a command. Throws `unknown-event`. */
export function replyContract(
  { registry }: Publisher,
  { event_name: name, version }: Envelope,
): EventContract {
  const contract = registry.resolve(replyName(name), version);
  if (contract.kind === "reply") return contract;
  throw new MeshError(
    "unknown-event",
    `${formatEventRef(contract.name, version)} answers ${name}, but is no reply in the registry`,
  );
}
