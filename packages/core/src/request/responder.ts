import type { FailureCategory } from "../handle/classify.ts";
import type { ReadDelivery } from "../handle/open-delivery.ts";
import { checkEnvelope, type Envelope } from "../language/envelope.ts";
import { messageOf } from "../language/errors.ts";
import { publishSpan } from "../measure/tracing.ts";
import { assertContract, newEnvelope, newMessage, type Publisher } from "../publish/publish.ts";
import type { EventContract, Logger, Message, Transport } from "../transport.ts";
import { formatReplySubject, type ReplyAddress } from "../wire/reply-subject.ts";
import { type BUSY, REPLY_ERROR, REPLY_TO, replyContract } from "./reply.ts";
import { REPLY_PROOF_HEADER, replyKeyIn, replyProofOf } from "./reply-proof.ts";

/** A delivered command. */
type Asked = Pick<ReadDelivery, "delivery" | "envelope" | "address">;

/** Answers requests for the consumer that handles their command. The way back needs no rule: the command passed. */
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
   * Answers with the handler's return value; `undefined` sends no answer. Never rejects: the effect has happened,
   * and must not be repeated for an answer that the registry does not know. The requester gets the reason instead.
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

  /** Sends the failure to the requester: no other answer will come. Never rejects. */
  async fail(request: Asked, category: FailureCategory | typeof BUSY, why: unknown): Promise<void> {
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

  /** Throws `too-large`. If a reply cannot be sent, its requester gets a timeout. */
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
    const sent = { ...message, headers: span.headers };
    try {
      // An at-most-once command is answered without a stream too.
      if (delivery.answer === undefined) await this.#transport.publish(sent);
      else delivery.answer(sent);
      span.end();
    } catch (err) {
      span.end(err);
      this.#log.warn({ request: asked.event_id, err }, "reply not sent");
    }
  }
}

/** Whether the publisher of this command waits for a reply. Not of a replayed one: its requester is long gone. */
function isRequest({ envelope: { kind, headers }, address: { subnet, node } }: Asked): boolean {
  return (
    kind === "command" && headers[REPLY_TO] === `${subnet}/${node}` && headers["replay_id"] === undefined
  );
}

/** A command without a key is answered without proof; its sender decides whether to accept that. */
function withProof(message: Message, key: string | undefined): Message {
  if (key === undefined) return message;
  return { ...message, headers: { ...message.headers, [REPLY_PROOF_HEADER]: replyProofOf(key, message) } };
}
