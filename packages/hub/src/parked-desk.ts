import {
  DURABLE_METADATA,
  deadLetterStream,
  type EventPattern,
  eventsStream,
  formatSubject,
  type LetterOwner,
  MeshError,
  memberConsumer,
  originTokenProblem,
  parkedEvent,
  parkedFilter,
  parseDeliverySubject,
  parseEventPattern,
  parseEventRef,
  patternMatches,
  type ReplayableLetter,
  type Signatures,
} from "@adaos/core";
import {
  type Connection,
  DeadLetterDesk,
  type ParkedReply,
  type ParkedRequest,
  type ReleaseReply,
  type ReleaseRequest,
  storedMessages,
} from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { z } from "zod";
import { parseRequest } from "./parse-request.ts";
import type { ServerGrants } from "./server-grants.ts";
import { subjectMatches } from "./subject-matches.ts";

const durable = z.string().superRefine((text, context) => {
  const problem = originTokenProblem(text);
  if (problem !== undefined) context.addIssue(problem);
});
const parkedRequest: z.ZodType<ParkedRequest> = z.strictObject({ durable });
const releaseRequest: z.ZodType<ReleaseRequest> = z.strictObject({
  durable,
  event: z.string().max(256),
  after: z.number().int().min(0),
});

/** As a member has stored it. What else it holds nobody here needs. */
const letterSchema: z.ZodType<ReplayableLetter> = z.object({
  dead_letter_id: z.string().max(512),
  at: z.string().max(64),
  node: z.string().max(256),
  durable: z.string().max(64),
  subject: z.string().max(512),
  message: z.object({
    headers: z.record(z.string(), z.string()),
    body_base64: z.string(),
    truncated: z.literal(true).exactOptional(),
  }),
});

/** Told at a time. */
const MAX_EVENTS = 1000;
/** Released at a time, and looked at: an answer must come in time, and other members wait. */
const MAX_RELEASED = 256;
const MAX_LOOKED_AT = 1024;

interface Taken {
  readonly owner: LetterOwner;
  readonly pattern: EventPattern;
  /** Of the subjects that the durable takes, replays apart. */
  readonly filter: string;
}

/** Tells members which of their events wait for a schema, and gives them back to their durables. */
export class ParkedDesk {
  readonly #subnet: string;
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;
  readonly #grants: ServerGrants;
  readonly #letters: DeadLetterDesk;
  /** Members that are just being served: it costs more than any other question, so one at a time for each. */
  readonly #busy = new Set<string>();

  constructor(
    subnet: string,
    connection: Connection,
    jsm: JetStreamManager,
    grants: ServerGrants,
    signatures: Signatures,
  ) {
    this.#subnet = subnet;
    this.#connection = connection;
    this.#jsm = jsm;
    this.#grants = grants;
    this.#letters = new DeadLetterDesk(subnet, connection, jsm, signatures);
  }

  /** Rejects with `usage`, `denied`, `backpressure` or what the client throws. */
  async parked(node: string, body: unknown): Promise<ParkedReply> {
    const request = parseRequest(parkedRequest, body, "the request");
    return this.#alone(node, async () => {
      const { owner, pattern } = await this.#taken(node, request.durable);
      const filter = parkedFilter(owner);
      const { state } = await this.#jsm.streams.info(deadLetterStream(this.#subnet), {
        subjects_filter: filter,
      });
      const events = new Set<string>();
      for (const subject of Object.keys(state.subjects ?? {})) {
        const event = parkedEvent(subject);
        if (event !== undefined && patternMatches(pattern, ...refOf(event))) events.add(event);
        if (events.size >= MAX_EVENTS) break;
      }
      return { events: [...events].sort() };
    });
  }

  /**
   * Gives a page of them back, oldest first; each is stored for its durable before its dead letter goes. Rejects with
   * `usage`, `denied`, `backpressure` or what the client throws.
   */
  async release(node: string, body: unknown): Promise<ReleaseReply> {
    const { durable, event, after } = parseRequest(releaseRequest, body, "the request");
    return this.#alone(node, async () => {
      const { owner, filter } = await this.#taken(node, durable);
      const stream = deadLetterStream(this.#subnet);
      const replays: Promise<unknown>[] = [];
      let last = after;
      let lookedAt = 0;
      for await (const { seq, body } of storedMessages(this.#connection, stream, parkedFilter(owner, event), {
        seq: after + 1,
      })) {
        const entry = parseLetter(body, owner);
        // Forged, no event, or none that the durable takes by now: it stays where an operator finds it.
        if (entry !== undefined && passes(entry, filter))
          replays.push(this.#letters.replay({ entry, kept: seq }));
        last = seq;
        lookedAt++;
        if (replays.length >= MAX_RELEASED || lookedAt >= MAX_LOOKED_AT) break;
      }
      const settled = await Promise.allSettled(replays);
      const failed = settled.find((one) => one.status === "rejected" && !isNoEvent(one.reason));
      if (failed?.status === "rejected") throw failed.reason;
      const released = settled.filter(({ status }) => status === "fulfilled").length;
      return replays.length >= MAX_RELEASED || lookedAt >= MAX_LOOKED_AT
        ? { released, next: last }
        : { released };
    });
  }

  async close(): Promise<void> {
    await this.#letters.close();
  }

  /**
   * What a durable takes now, which policy has allowed: it may have taken more when the events were parked. Rejects with
   * `denied` where the member has no such durable.
   */
  async #taken(node: string, durable: string): Promise<Taken> {
    const consumer = memberConsumer(node, durable);
    if (!this.#grants.has(node, consumer))
      throw new MeshError("denied", `${node} has no durable ${durable}`, { rule: "origin" });
    const { config } = await this.#jsm.consumers.info(eventsStream(this.#subnet), consumer);
    return {
      owner: { subnet: this.#subnet, node, durable },
      pattern: parseEventPattern(config.metadata?.[DURABLE_METADATA.pattern] ?? ""),
      filter: config.filter_subjects?.[0] ?? "",
    };
  }

  async #alone<T>(node: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(node))
      throw new MeshError("backpressure", `the hub is busy with the parked events of ${node}`);
    this.#busy.add(node);
    try {
      return await work();
    } finally {
      this.#busy.delete(node);
    }
  }
}

function refOf(event: string): [name: string, version: number] {
  const { name, version = 0 } = parseEventRef(event);
  return [name, version];
}

function passes({ subject }: ReplayableLetter, filter: string): boolean {
  try {
    return subjectMatches(filter, formatSubject(parseDeliverySubject(subject)));
  } catch {
    return false;
  }
}

/** Nothing where it is no dead letter of this durable. */
function parseLetter(body: Uint8Array, owner: LetterOwner): ReplayableLetter | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  const entry = letterSchema.safeParse(value).data;
  const isOwn = entry?.node === `${owner.subnet}/${owner.node}` && entry.durable === owner.durable;
  return isOwn ? entry : undefined;
}

function isNoEvent(thrown: unknown): boolean {
  return thrown instanceof MeshError && (thrown.code === "invalid-event" || thrown.code === "denied");
}
