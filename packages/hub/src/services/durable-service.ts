import { type EventPattern, type Logger, MeshError, type Policy, parseEventPattern } from "@adaos/core";
import {
  DURABLE_METADATA,
  eventsStream,
  memberConsumer,
  originTokenProblem,
  patternToFilter,
  replayFilter,
  subjectMatches,
} from "@adaos/core/wire";
import {
  ACK_WAIT_MS,
  type DurableReply,
  type DurableRequest,
  durablePosition,
  findConsumer,
  ifThere,
  type StoreKeeper,
} from "@adaos/transport-nats";
import { AckPolicy, type ConsumerConfig, DeliverPolicy, type JetStreamManager } from "nats";
import { z } from "zod";
import type { Grant, ServerGrants } from "../server-grants.ts";
import { parseRequest } from "./parse-request.ts";

const name = z.string().superRefine((text, context) => {
  const problem = originTokenProblem(text);
  if (problem !== undefined) context.addIssue(problem);
});

const requestSchema: z.ZodType<DurableRequest> = z.strictObject({
  durable: name,
  pattern: z.string(),
  from: z.strictObject({ subnet: name.exactOptional(), node: name.exactOptional() }),
  maxAckPending: z.number().int().min(1).max(10_000),
  startAt: z.enum(["new", "all"]),
  answers: z.boolean(),
});

const MAX_DURABLES_PER_MEMBER = 64;
/**
 * Pull requests that wait at a durable: one for each connection that a member may have, and those of earlier
 * connections.
 */
const MAX_WAITING = 128;
/** For ever, in effect: a server needs a date. */
const PAUSED_UNTIL = new Date("2200-01-01T00:00:00Z");

export interface DurableServiceOptions {
  readonly subnet: string;
  readonly policy: Policy;
  readonly jsm: JetStreamManager;
  /** Knows the positions of durables that a store has lost. */
  readonly keeper: StoreKeeper;
  readonly grants: ServerGrants;
  /** Whether a node has left the subnet. One that is only unknown to this daemon keeps its places. */
  readonly isGone: (node: string) => boolean;
  readonly log: Logger;
}

/** Makes durables for the members of a subnet: checks the policy, creates the consumer, grants it on the server. */
export class DurableService {
  readonly #subnet: string;
  readonly #policy: Policy;
  readonly #jsm: JetStreamManager;
  readonly #keeper: StoreKeeper;
  readonly #grants: ServerGrants;
  readonly #isGone: (node: string) => boolean;
  readonly #log: Logger;
  /** Durables of each member that are being made or changed, with the number of requests. */
  readonly #making = new Map<string, Map<string, number>>();
  /** The filters of each durable that answers commands. */
  readonly #answering = new Map<string, readonly string[]>();

  constructor({ subnet, policy, jsm, keeper, grants, isGone, log }: DurableServiceOptions) {
    this.#subnet = subnet;
    this.#policy = policy;
    this.#jsm = jsm;
    this.#keeper = keeper;
    this.#grants = grants;
    this.#isGone = isGone;
    this.#log = log;
  }

  /**
   * Grants the existing durables that policy allows, and revokes the others. These are paused at their positions until
   * policy allows them again.
   */
  async restoreGrants(): Promise<void> {
    const stream = eventsStream(this.#subnet);
    const granted: Grant[] = [];
    for await (const { name: consumer, config, paused } of this.#jsm.consumers.list(stream)) {
      const node = config.metadata?.[DURABLE_METADATA.node];
      const pattern = config.metadata?.[DURABLE_METADATA.pattern];
      if (node === undefined || pattern === undefined) continue;
      const decision = this.#decide(node, parseEventPattern(pattern));
      if (this.#isGone(node)) {
        // A later member of this name must not receive the events that this one missed.
        await ifThere("consumer", this.#jsm.consumers.delete(stream, consumer));
        this.#keeper.forgetDurable(stream, consumer);
        this.#answering.delete(consumer);
        this.#grants.revoke([[node, consumer]]);
        continue;
      }
      if (decision.allowed && this.#grants.isMember(node)) {
        if (paused === true) await this.#jsm.consumers.resume(stream, consumer);
        granted.push([node, consumer]);
        this.#note(consumer, config);
        continue;
      }
      this.#log.warn({ node, consumer, rule: decision.rule }, "durable no longer allowed");
      // Earlier pull requests are still open: without the pause, the member would still receive events for seconds.
      if (paused !== true) {
        await ifThere("consumer", this.#jsm.consumers.pause(stream, consumer, PAUSED_UNTIL));
      }
      this.#answering.delete(consumer);
      this.#grants.revoke([[node, consumer]]);
    }
    await this.#grants.grant(granted);
  }

  /**
   * Makes the durable that `node` asks for. Rejects with `usage`, `denied`, `backpressure` or an error of the client.
   */
  async make(node: string, body: unknown): Promise<DurableReply> {
    const request = parseRequest(requestSchema, body, "the request for a durable");
    const pattern = parseEventPattern(request.pattern);
    const decision = this.#decide(node, pattern);
    if (!this.#grants.isMember(node)) throw new MeshError("denied", `${node} is no member any more`);
    if (!decision.allowed) throw new MeshError("denied", decision.reason, { rule: decision.rule });
    const { revision } = this.#policy;
    const consumer = await this.#ensure(node, request, pattern);
    // Policy may have changed while the durable was made, without a check of this durable.
    if (revision !== this.#policy.revision) {
      await this.restoreGrants();
      const again = this.#decide(node, pattern);
      if (!again.allowed) throw new MeshError("denied", again.reason, { rule: again.rule });
    }
    return { stream: eventsStream(this.#subnet), consumer, ackWaitMs: ACK_WAIT_MS };
  }

  /** Whether a durable answers commands of this subject. */
  isAnswered(subject: string): boolean {
    for (const filters of this.#answering.values()) {
      if (filters.some((filter) => subjectMatches(filter, subject))) return true;
    }
    return false;
  }

  #note(consumer: string, { filter_subjects, metadata }: Partial<ConsumerConfig>): void {
    if (metadata?.[DURABLE_METADATA.answers] === "true") this.#answering.set(consumer, filter_subjects ?? []);
    else this.#answering.delete(consumer);
  }

  #decide(node: string, pattern: EventPattern): ReturnType<Policy["decide"]> {
    return this.#policy.decidePattern({ verb: "subscribe", subnet: this.#subnet, node }, pattern);
  }

  async #ensure(node: string, request: DurableRequest, pattern: EventPattern): Promise<string> {
    const consumer = memberConsumer(node, request.durable);
    const release = this.#reserve(node, consumer);
    try {
      return await this.#bring(node, consumer, request, pattern);
    } finally {
      release();
    }
  }

  /** Counts a durable from its request on: many simultaneous requests must not all find room. */
  #reserve(node: string, consumer: string): () => void {
    const making = this.#making.get(node) ?? new Map<string, number>();
    const isNew = !this.#grants.has(node, consumer) && !making.has(consumer);
    const unmade = [...making.keys()].filter((name) => !this.#grants.has(node, name)).length;
    if (isNew && this.#grants.count(node) + unmade >= MAX_DURABLES_PER_MEMBER) {
      throw new MeshError("backpressure", `${node} has ${MAX_DURABLES_PER_MEMBER} durables; use one of them`);
    }
    this.#making.set(node, making.set(consumer, (making.get(consumer) ?? 0) + 1));
    return () => {
      const left = (making.get(consumer) ?? 1) - 1;
      if (left > 0) making.set(consumer, left);
      else making.delete(consumer);
    };
  }

  async #bring(
    node: string,
    consumer: string,
    request: DurableRequest,
    pattern: EventPattern,
  ): Promise<string> {
    const stream = eventsStream(this.#subnet);
    const changeable = {
      // Replays to this durable go to no other.
      filter_subjects: [
        patternToFilter(pattern, request.from),
        replayFilter({ node, durable: request.durable }),
      ],
      max_ack_pending: request.maxAckPending,
      metadata: {
        [DURABLE_METADATA.node]: node,
        [DURABLE_METADATA.pattern]: request.pattern,
        [DURABLE_METADATA.answers]: String(request.answers),
      },
    };
    const existing = await findConsumer(this.#jsm, stream, consumer);
    if (existing === undefined) {
      const made = await this.#jsm.consumers.add(stream, {
        durable_name: consumer,
        ack_policy: AckPolicy.Explicit,
        ack_wait: ACK_WAIT_MS * 1e6,
        max_deliver: -1,
        // The server cannot change it later.
        max_waiting: MAX_WAITING,
        ...(await this.#startOf(stream, consumer, request.startAt)),
        ...changeable,
      });
      this.#keeper.noteDurable(stream, consumer, durablePosition(made));
    } else if (differs(existing.config, changeable)) {
      await this.#jsm.consumers.update(stream, consumer, changeable);
    }
    if (existing?.paused === true) await this.#jsm.consumers.resume(stream, consumer);
    this.#note(consumer, changeable);
    await this.#grants.grant([[node, consumer]]);
    return consumer;
  }

  /** A durable that the store has lost continues at its position; a deleted one begins as the request says. */
  async #startOf(
    stream: string,
    consumer: string,
    startAt: DurableRequest["startAt"],
  ): Promise<Partial<ConsumerConfig>> {
    const seq = this.#keeper.startOf(stream, consumer);
    // A subscribed member asks for "all" when its durable has disappeared.
    if (seq !== undefined && (startAt === "all" || (await this.#keeper.isAnew(stream))))
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: seq };
    return { deliver_policy: startAt === "all" ? DeliverPolicy.All : DeliverPolicy.New };
  }
}

function differs(
  config: ConsumerConfig,
  wanted: { filter_subjects: string[]; max_ack_pending: number; metadata: Record<string, string> },
): boolean {
  return (
    config.filter_subjects?.join(" ") !== wanted.filter_subjects.join(" ") ||
    config.max_ack_pending !== wanted.max_ack_pending ||
    Object.entries(wanted.metadata).some(([key, value]) => config.metadata?.[key] !== value)
  );
}
