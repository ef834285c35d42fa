import type { KeyObject } from "node:crypto";
import { assertOrigin, assertTenant, type ReadDelivery } from "../handle/open-delivery.ts";
import { checkEnvelope, decodeEnvelope, type Envelope } from "../language/envelope.ts";
import { MeshError, messageOf } from "../language/errors.ts";
import { formatEventRef } from "../language/event-name.ts";
import { publishSpan } from "../measure/tracing.ts";
import type { RateLimits } from "../policy/rate-limits.ts";
import {
  assertContract,
  newEnvelope,
  newMessage,
  type PreparedEvent,
  type Publisher,
  type PublishOptions,
  prepareEvent,
} from "../publish/publish.ts";
import { assertSigned } from "../publish/signatures.ts";
import type { EventContract, Logger, Message, Transport } from "../transport.ts";
import {
  formatReplySubject,
  parseReplySubject,
  type ReplyAddress,
  replyName,
} from "../wire/reply-subject.ts";
import {
  isProven,
  REPLY_KEY_HEADER,
  REPLY_PROOF_HEADER,
  replyKeyIn,
  replyKeyOf,
  replyProofOf,
} from "./reply-proof.ts";

export interface RequestOptions extends PublishOptions {
  /** Longest wait for the reply. 100 to 3600000. @default 10000 */
  readonly timeoutMs?: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** Header of a command whose sender waits for a reply: `<subnet>/<node>`. */
const REPLY_TO = "reply_to";
/** Header of a reply that tells of a failure; its data is `{ message }`. */
const REPLY_ERROR = "reply_error";

/** Who asks, and how: `publish` is the transport's, counted. */
export interface Requester extends Publisher {
  readonly limits?: RateLimits;
  readonly transport: Transport;
  readonly publish: Transport["publish"];
  /** What the keys of its requests are made from. */
  readonly replySecret: KeyObject;
}

/** Publishes a command and waits for the first reply to it. Rejects as `Bus.request` does. */
export async function request(
  publisher: Requester,
  ref: string,
  data: unknown,
  { timeoutMs = 10_000, signal, ...options }: RequestOptions,
  closing: AbortSignal,
): Promise<Envelope> {
  const { transport } = publisher;
  const { subnet, node } = publisher.address;
  const headers = { ...options.headers, [REPLY_TO]: `${subnet}/${node}` };
  const prepared = withReplyKey(
    publisher,
    prepareEvent(publisher, ref, data, { ...options, headers }, Date.now()),
  );
  const { envelope, message, key } = prepared;
  const command = formatEventRef(envelope.event_name, envelope.version);
  if (envelope.kind !== "command") {
    throw new MeshError(
      "usage",
      `${command} is of the kind ${envelope.kind}; only a command is answered, publish it`,
    );
  }
  const contract = replyContract(publisher, envelope);
  publisher.limits?.take(envelope.event_name, envelope.version, message.body.length);
  if ((await transport.handlersOf(message.subject)) === "none") {
    throw new MeshError(
      "no-handler",
      `nobody handles ${command}: no node has a durable for it; nothing was sent`,
    );
  }
  const waiting = new AbortController();
  const end = AbortSignal.any([closing, waiting.signal, ...(signal === undefined ? [] : [signal])]);
  const timer = setTimeout(
    () =>
      waiting.abort(
        new MeshError("timeout", `no reply to ${command} in ${timeoutMs} ms; its handler may still run`),
      ),
    timeoutMs,
  );
  const span = publishSpan(prepared);
  try {
    const asked = { envelope, key };
    // Listens before it sends: a reply may be quicker than the receipt.
    const reply = transport.awaitReply(envelope.event_id, end, (message) =>
      isReply(publisher, message, asked, contract),
    );
    const sent = publisher.publish({ ...message, headers: span.headers }, { onlyNow: true });
    // What the server refuses is told at once; what it took is not waited for twice.
    const answer = await Promise.race([reply, sent.then(() => reply)]);
    span.end();
    return openReply(publisher, answer, asked, contract);
  } catch (thrown) {
    span.end(thrown);
    throw thrown;
  } finally {
    clearTimeout(timer);
    waiting.abort(new MeshError("closed", "the request has ended"));
  }
}

interface OpenRequest {
  readonly envelope: Envelope;
  readonly key: string;
}

function withReplyKey(
  { replySecret }: Requester,
  { envelope, message }: PreparedEvent,
): PreparedEvent & OpenRequest {
  const key = replyKeyOf(replySecret, envelope.event_id);
  return { envelope, message: { ...message, headers: { ...message.headers, [REPLY_KEY_HEADER]: key } }, key };
}

/**
 * Checks a reply as if nobody had done so before. Throws `failed` when it tells of a failure, `denied` or
 * `invalid-event`. Its age is that of the request, whose id nobody knew before.
 */
function openReply(
  { signatures }: Publisher,
  message: Message,
  { envelope: asked, key }: OpenRequest,
  contract: EventContract,
): Envelope {
  const { subject, body } = message;
  if (!isProven(key, message)) {
    throw new MeshError("denied", `${subject} is of somebody who has not read the request`, {
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
  if (Object.hasOwn(envelope.headers, REPLY_ERROR)) {
    const who = `${responder.subnet}/${responder.node}`;
    const why = messageOf((envelope.data as { message?: unknown } | null)?.message);
    throw new MeshError("failed", `${who} could not handle ${command}: ${why}`);
  }
  assertContract(contract, envelope, "validateReceived");
  return envelope;
}

/**
 * Whether it can be opened, tells of a failure or not. What cannot is somebody's mistake or malice: the reply may yet
 * come.
 */
function isReply(
  publisher: Publisher,
  message: Message,
  asked: OpenRequest,
  contract: EventContract,
): boolean {
  try {
    openReply(publisher, message, asked, contract);
    return true;
  } catch (thrown) {
    return thrown instanceof MeshError && thrown.code === "failed";
  }
}

function replyContract({ registry }: Publisher, { event_name: name, version }: Envelope): EventContract {
  const contract = registry.resolve(replyName(name), version);
  if (contract.kind === "reply") return contract;
  throw new MeshError(
    "unknown-event",
    `${formatEventRef(contract.name, version)} answers ${name}, but is no reply in the registry`,
  );
}

/** A command as it was delivered. */
type Asked = Pick<ReadDelivery, "delivery" | "envelope" | "address">;

/** Answers requests, for a consumer that handles their command. The way back needs no rule: the command came. */
export class Responder {
  readonly #publisher: Publisher;
  readonly #transport: Transport;
  readonly #log: Logger;

  constructor(publisher: Publisher, transport: Transport, log: Logger) {
    this.#publisher = publisher;
    this.#transport = transport;
    this.#log = log;
  }

  /**
   * Answers with what a handler has returned; `undefined` is no answer. Never rejects: the effect has happened, and
   * must not be repeated for an answer that the registry does not know. Who asks is told why there is none.
   */
  async answer(request: Asked, value: unknown): Promise<void> {
    const { envelope: asked } = request;
    if (value === undefined || !isRequest(request)) return;
    try {
      const contract = replyContract(this.#publisher, asked);
      const envelope = checkEnvelope(
        this.#envelope(contract, asked, value, {}),
        contract.classified === undefined,
      );
      assertContract(contract, envelope, "validate");
      await this.#send(envelope, request);
    } catch (err) {
      this.#log.error({ request: asked.event_id, err }, "reply refused");
      await this.fail(request, "permanent", err);
    }
  }

  /** Tells who asks that there will be no other answer. Never rejects. */
  async fail(request: Asked, category: string, why: unknown): Promise<void> {
    const { envelope: asked } = request;
    if (!isRequest(request)) return;
    try {
      const contract = replyContract(this.#publisher, asked);
      const data = { message: messageOf(why).slice(0, 500) };
      await this.#send(this.#envelope(contract, asked, data, { [REPLY_ERROR]: category }), request);
    } catch (err) {
      this.#log.warn({ request: asked.event_id, err }, "request not answered");
    }
  }

  #envelope(
    contract: EventContract,
    asked: Envelope,
    data: unknown,
    headers: Readonly<Record<string, string>>,
  ): Envelope {
    const options = { correlationId: asked.correlation_id, causationId: asked.event_id, headers };
    return newEnvelope(this.#publisher, contract, data, options, Date.now());
  }

  /** Throws `too-large`. A reply that cannot be sent leaves its requester with a timeout. */
  async #send(envelope: Envelope, { envelope: asked, address, delivery }: Asked): Promise<void> {
    const to: ReplyAddress = {
      requester: address,
      requestId: asked.event_id,
      responder: this.#publisher.address,
      name: asked.event_name,
      version: asked.version,
    };
    const message = withProof(
      newMessage(this.#publisher, formatReplySubject(to), envelope),
      replyKeyIn(delivery.message.headers),
    );
    const span = publishSpan({ envelope, message });
    try {
      await this.#transport.publish({ ...message, headers: span.headers });
      span.end();
    } catch (err) {
      span.end(err);
      this.#log.warn({ request: asked.event_id, err }, "reply not sent");
    }
  }
}

/** Whether who published this command waits for a reply. A replayed one's requester is long gone. */
function isRequest({ envelope: { kind, headers }, address: { subnet, node } }: Asked): boolean {
  return (
    kind === "command" && headers[REPLY_TO] === `${subnet}/${node}` && headers["replay_id"] === undefined
  );
}

/** A command without a key is answered all the same; who sent it like that must know what to make of the reply. */
function withProof(message: Message, key: string | undefined): Message {
  if (key === undefined) return message;
  return { ...message, headers: { ...message.headers, [REPLY_PROOF_HEADER]: replyProofOf(key, message) } };
}
