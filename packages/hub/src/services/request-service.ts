import { MeshError, type Policy } from "@adaos/core";
import {
  CLEARANCE,
  deniedError,
  eventsStream,
  MAX_ENVELOPE_BYTES,
  parseSubject,
  quote,
  requestReplyFilter,
} from "@adaos/core/wire";
import {
  type HandlersReply,
  type HandlersRequest,
  type StoredReply,
  type StoredReplyRequest,
  travellingOf,
} from "@adaos/transport-nats";
import { type JetStreamManager, NatsError } from "nats";
import { z } from "zod";
import { parseRequest } from "./parse-request.ts";

const handlersRequest: z.ZodType<HandlersRequest> = z.strictObject({ subject: z.string().max(512) });
const replyRequest: z.ZodType<StoredReplyRequest> = z.strictObject({
  requestId: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  after: z.number().int().min(0),
});

/** nats-server's code for no message found. */
const NO_MESSAGE = 10037;

/** Answers the members of a subnet whether a command has a handler, and returns replies to their commands. */
export class RequestService {
  readonly #subnet: string;
  readonly #policy: Policy;
  readonly #jsm: JetStreamManager;
  readonly #isAnswered: (subject: string) => boolean;

  /** @param isAnswered Whether a durable of the subnet answers commands of this subject. */
  constructor(
    subnet: string,
    policy: Policy,
    jsm: JetStreamManager,
    isAnswered: (subject: string) => boolean,
  ) {
    this.#subnet = subnet;
    this.#policy = policy;
    this.#jsm = jsm;
    this.#isAnswered = isAnswered;
  }

  /** Answers for the node's own commands only. Rejects with `usage`, `invalid-event` or `denied`. */
  async handlers(node: string, request: unknown): Promise<HandlersReply> {
    const { subject } = parseRequest(handlersRequest, request, "the request");
    const address = parseSubject(subject);
    if (address.subnet !== this.#subnet || address.node !== node) {
      throw new MeshError("denied", `${quote(subject)} is no subject of ${this.#subnet}/${node}`, {
        rule: "origin",
      });
    }
    if (this.#isAnswered(subject)) return { handlers: "some" };
    // A command that may leave the subnet may have a handler elsewhere, which this hub cannot know.
    const question = { verb: "export", subnet: this.#subnet } as const;
    const decision = this.#policy.decide(question, address.name, address.version);
    // A handler elsewhere may exist, so the caller gets the denial rather than "none".
    if (!decision.allowed && decision.rule === CLEARANCE) throw deniedError(decision);
    return { handlers: decision.allowed ? "unknown" : "none" };
  }

  /** The next reply to a request of this node. Rejects with `usage` or an error of the client. */
  async reply(node: string, request: unknown): Promise<StoredReply> {
    const { requestId, after } = parseRequest(replyRequest, request, "the request");
    const next_by_subj = requestReplyFilter({ subnet: this.#subnet, node }, requestId);
    try {
      const query = { seq: after + 1, next_by_subj };
      const { seq, subject, header, data } = await this.#jsm.streams.getMessage(
        eventsStream(this.#subnet),
        query,
      );
      // A message larger than any reply is not a reply, and the answer with it would not fit into a message.
      const isReply = data.length <= MAX_ENVELOPE_BYTES;
      const bodyBase64 = isReply ? Buffer.from(data).toString("base64") : "";
      return { seq, subject, headers: travellingOf(header), bodyBase64 };
    } catch (thrown) {
      if (thrown instanceof NatsError && thrown.api_error?.err_code === NO_MESSAGE) return {};
      throw thrown;
    }
  }
}
