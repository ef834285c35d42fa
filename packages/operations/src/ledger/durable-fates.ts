import {
  DONE_ROOT,
  doneStream,
  parkedStream,
  parkedWaitFilter,
  parseParkedPlace,
  parseParkedSubject,
  subjectsOf,
} from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import { failedLetters } from "../dead-letters/dead-letters.ts";
import type { OpenServer } from "../hubs.ts";
import { type EventConsumer, standingOf } from "../standing/event-consumer.ts";
import { processingRecords } from "../stored/processing-records.ts";
import type { Fate } from "./balance.ts";
import type { LedgerEvent } from "./ledger-event.ts";

/** The failures that the streams of a hub hold, by durable and place: `beta/desk/screen 17`. */
export interface KnownFailures {
  readonly dead: ReadonlySet<string>;
  readonly parked: ReadonlySet<string>;
}

/** Whether an effect at a durable of one member is marked. */
export interface KnownMarks {
  has(durable: string, key: string): boolean;
}

/** Reads a hub's failures. A dead letter that was replayed or purged is known from its record. */
export async function failuresOf(hub: OpenServer): Promise<KnownFailures> {
  const { of, connection } = hub;
  const dead = new Set<string>();
  const parked = new Set<string>();
  for await (const { node, durable, seq, status } of processingRecords(hub))
    if (status === "dead_letter" || status === "failed") dead.add(`${node}/${durable} ${seq}`);
  for await (const { entry } of failedLetters(hub)) dead.add(`${entry.node}/${entry.durable} ${entry.seq}`);
  const filter = parkedWaitFilter({ node: "*", durable: "*" });
  for await (const { subject } of storedMessages(connection, parkedStream(of), filter)) {
    const told = parseParkedSubject(subject);
    if (told?.kind !== "wait") continue;
    parked.add(`${of}/${told.node}/${told.durable} ${parseParkedPlace(told.place).seq}`);
  }
  return { dead, parked };
}

/** The effects that a member has marked in its stream at its hub. */
export async function marksAtHub(
  { of, connection }: OpenServer,
  node: string,
  since: Date,
): Promise<KnownMarks> {
  const known = new Set<string>();
  const [stream, filter] = [doneStream({ subnet: of, node }), subjectsOf(DONE_ROOT, of, node)];
  for await (const { subject } of storedMessages(connection, stream, filter, { time: since })) {
    const [, , , durable = "", key = ""] = subject.split(".");
    known.add(`${durable} ${key}`);
  }
  return { has: (durable, key) => known.has(`${durable} ${key}`) };
}

/**
 * The fate of one event at one durable; undefined when the event is not meant for it. A mark has precedence: a marked
 * effect has happened, even if the event still waits. Pure.
 */
export function fateAt(
  consumer: EventConsumer,
  { subject, seq, storedMs, key }: LedgerEvent,
  { dead, parked }: KnownFailures,
  marks: KnownMarks,
): Fate | undefined {
  const standing = standingOf(consumer, { seq, subject, storedMs });
  if (standing === "foreign" || standing === "before") return undefined;
  const durable = consumer.name.split("/")[2] ?? "";
  if (key !== undefined && marks.has(durable, key)) return "handled";
  const place = `${consumer.name} ${seq}`;
  if (standing === "waiting") return "pending";
  if (dead.has(place)) return "dead";
  if (parked.has(place)) return "parked";
  return standing === "given" ? "pending" : "missing";
}
