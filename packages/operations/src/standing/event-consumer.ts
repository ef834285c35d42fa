import {
  downlinkDurable,
  eventsStream,
  MESH_STREAM,
  parseMemberConsumer,
  ROOT_DOMAIN,
  subjectMatches,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import { type ConsumerInfo, DeliverPolicy } from "nats";
import type { OpenServer } from "../hubs.ts";

/** Where a consumer begins in its stream. */
export type Beginning =
  | { readonly kind: "all" }
  | { readonly kind: "seq"; readonly seq: number }
  | { readonly kind: "time"; readonly ms: number };

/** Who takes events out of a stream, and how far it is: a member's durable, or a link. */
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
  readonly pending: number;
  /** Requests of programs that wait at it; none: nobody asks for events now. */
  readonly waiting: number;
  readonly paused: boolean;
  readonly begins: Beginning;
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
  return seq <= consumer.settledSeq || consumer.unsettled === 0 ? "settled" : "given";
}

/** A consumer of a server's stream of events; nothing for one of somebody who only looks. Pure. */
export function eventConsumer(of: string, info: ConsumerInfo): EventConsumer | undefined {
  const { name, config, delivered, ack_floor: floor } = info;
  const told = roleOf(of, name);
  if (told === undefined || config.durable_name === undefined) return undefined;
  return {
    of,
    ...told,
    filters: config.filter_subjects ?? [config.filter_subject ?? ">"],
    givenSeq: delivered.stream_seq,
    settledSeq: floor.stream_seq,
    unsettled: info.num_ack_pending,
    pending: info.num_pending,
    waiting: info.num_waiting,
    paused: info.paused === true,
    begins: beginningOf(info),
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

/** Everybody who takes events out of a server's stream. Rejects with what the client throws. */
export async function eventConsumers({ of, jsm }: OpenServer): Promise<EventConsumer[]> {
  const found: EventConsumer[] = [];
  for await (const info of jsm.consumers.list(streamAt(of))) {
    const consumer = eventConsumer(of, info);
    if (consumer !== undefined) found.push(consumer);
  }
  return found;
}
