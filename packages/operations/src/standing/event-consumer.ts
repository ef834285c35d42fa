import {
  DURABLE_METADATA,
  downlinkDurable,
  eventsStream,
  MESH_STREAM,
  parseMemberConsumer,
  ROOT_DOMAIN,
  subjectMatches,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import { type ConsumerInfo, DeliverPolicy } from "nats";
import { lastActivity } from "../change-durables.ts";
import type { OpenServer } from "../hubs.ts";
import { processingRecords } from "../stored/processing-records.ts";

/** Where a consumer begins in its stream. */
export type Beginning =
  | { readonly kind: "all" }
  | { readonly kind: "seq"; readonly seq: number }
  | { readonly kind: "time"; readonly ms: number };

/** A consumer of a stream, and how far it has come: a member's durable, or a link. */
export interface EventConsumer {
  /** The server's: a subnet, or `root`. */
  readonly of: string;
  readonly kind: "durable" | "link";
  /** `beta/desk/screen`, `up alpha`, `down beta`. */
  readonly name: string;
  readonly filters: readonly string[];
  /** Up to here it was given what it takes. */
  readonly givenSeq: number;
  /** Up to here all of that is settled. */
  readonly settledSeq: number;
  readonly unsettled: number;
  /** The unsettled events that wait for another attempt, by their records. */
  readonly retryingSeqs: readonly number[];
  readonly pending: number;
  /** Requests of programs that wait at it; 0: no program asks for events now. */
  readonly waiting: number;
  readonly paused: boolean;
  readonly begins: Beginning;
  /** The pattern that a durable asked for; `""` for a link. */
  readonly pattern: string;
  /** When it last received or acknowledged an event, in milliseconds since the epoch; undefined for never. */
  readonly lastActiveMs?: number;
}

/** A message of a stream, as far as its consumers go. */
export interface StoredPlace {
  readonly seq: number;
  readonly subject: string;
  readonly storedMs: number;
}

/**
 * How one message stands at a consumer. `foreign`: it does not take it. `before`: it begins behind it, and what another
 * of its name did before is not known. `waiting`: not given yet. `given`: given, and it or one before it is not
 * settled. `settled`: acknowledged or given up.
 */
export type Standing = "foreign" | "before" | "waiting" | "given" | "settled";

/** Pure. */
export function standingOf(consumer: EventConsumer, { seq, subject, storedMs }: StoredPlace): Standing {
  if (!consumer.filters.some((filter) => subjectMatches(filter, subject))) return "foreign";
  if (seq > consumer.givenSeq) return "waiting";
  const { begins } = consumer;
  if (begins.kind === "seq" && seq < begins.seq) return "before";
  if (begins.kind === "time" && storedMs < begins.ms) return "before";
  const { settledSeq, givenSeq, unsettled, retryingSeqs } = consumer;
  if (seq <= settledSeq || unsettled === 0) return "settled";
  // A server reports how many are unsettled, not which. Where all of them are known, this one is not among them.
  const others = retryingSeqs.filter((one) => one > settledSeq && one <= givenSeq);
  return !others.includes(seq) && others.length >= unsettled ? "settled" : "given";
}

/** A consumer of a server's stream of events; undefined for a consumer that only looks on. Pure. */
export function eventConsumer(of: string, info: ConsumerInfo): EventConsumer | undefined {
  const { name, config, delivered, ack_floor: floor } = info;
  const told = roleOf(of, name);
  const active = lastActivity(info);
  if (told === undefined || config.durable_name === undefined) return undefined;
  return {
    of,
    ...told,
    filters: config.filter_subjects ?? [config.filter_subject ?? ">"],
    givenSeq: delivered.stream_seq,
    settledSeq: floor.stream_seq,
    unsettled: info.num_ack_pending,
    retryingSeqs: [],
    pending: info.num_pending,
    waiting: info.num_waiting,
    paused: info.paused === true,
    begins: beginningOf(info),
    pattern: config.metadata?.[DURABLE_METADATA.pattern] ?? "",
    ...(active === null ? {} : { lastActiveMs: Date.parse(active) }),
  };
}

function roleOf(of: string, name: string): Pick<EventConsumer, "kind" | "name"> | undefined {
  if (of === ROOT_DOMAIN) {
    const subnet = name.slice(downlinkDurable("").length);
    return name === downlinkDurable(subnet) ? { kind: "link", name: `down ${subnet}` } : undefined;
  }
  if (name === UPLINK_DURABLE) return { kind: "link", name: `up ${of}` };
  const member = parseMemberConsumer(name);
  return member && { kind: "durable", name: `${of}/${member.node}/${member.durable}` };
}

function beginningOf({ config, created }: ConsumerInfo): Beginning {
  const { deliver_policy: policy, opt_start_seq: seq, opt_start_time: time } = config;
  if (policy === DeliverPolicy.StartSequence && seq !== undefined) return { kind: "seq", seq };
  if (policy === DeliverPolicy.StartTime && time !== undefined) return { kind: "time", ms: Date.parse(time) };
  if (policy === DeliverPolicy.New) return { kind: "time", ms: Date.parse(String(created)) };
  return { kind: "all" };
}

/** The stream of events that a server keeps. Pure. */
export function streamAt(of: string): string {
  return of === ROOT_DOMAIN ? MESH_STREAM : eventsStream(of);
}

/** All consumers of a server's stream of events. Rejects with the client's errors. */
export async function eventConsumers(server: OpenServer): Promise<EventConsumer[]> {
  const { of, jsm } = server;
  const found: EventConsumer[] = [];
  for await (const info of jsm.consumers.list(streamAt(of))) {
    const consumer = eventConsumer(of, info);
    if (consumer !== undefined) found.push(consumer);
  }
  return Promise.all(
    found.map(async (consumer) => {
      if (consumer.kind === "link" || consumer.unsettled === 0) return consumer;
      return { ...consumer, retryingSeqs: await retryingSeqs(server, consumer.name) };
    }),
  );
}

/** Records of one durable that are looked at. */
const MAX_RECORDS = 10_000;

async function retryingSeqs(server: OpenServer, name: string): Promise<number[]> {
  const [subnet = "", node = "", durable = ""] = name.split("/");
  const found: number[] = [];
  let looked = 0;
  for await (const { status, seq } of processingRecords(server, { node: `${subnet}/${node}`, durable })) {
    if (status === "retrying") found.push(seq);
    if (++looked >= MAX_RECORDS) break;
  }
  return found;
}
