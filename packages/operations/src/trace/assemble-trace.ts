import {
  failuresOf,
  isReplaySubject,
  isReplySubject,
  type ProcessingRecord,
  parseDeliverySubject,
  parseReplayTarget,
  parseReplySubject,
  ROOT_DOMAIN,
  TIMER_HEADERS,
} from "@adaos/core/wire";
import { type EventConsumer, type Standing, standingOf } from "../standing/event-consumer.ts";
import type {
  Handling,
  HandlingState,
  Hop,
  OnItsWay,
  Sighting,
  Trace,
  TracedEvent,
  TraceFacts,
} from "./trace.ts";

/** Handlers that answer each other without an end make chains of thousands of events, which are too long to read. */
const MAX_DEPTH = 100;

/**
 * Makes the tree of the gathered events. An event begins a tree of its own when its cause is not among them, or when it
 * lies deeper than 100. Pure.
 */
export function assembleTrace({ correlationId, sightings, consumers }: TraceFacts): Trace {
  const byId = new Map<string, Sighting[]>();
  for (const sighting of sightings) {
    const { event_id: id } = sighting.envelope;
    byId.set(id, [...(byId.get(id) ?? []), sighting]);
  }
  const causedBy = new Map<string, string[]>();
  const roots: string[] = [];
  for (const [id, [first]] of byId) {
    const cause = first?.envelope.causation_id;
    if (cause === undefined || cause === id || !byId.has(cause)) roots.push(id);
    else causedBy.set(cause, [...(causedBy.get(cause) ?? []), id]);
  }
  const drawn = new Set<string>();
  const draw = (ids: readonly string[], depth = 1): TracedEvent[] =>
    ids
      .flatMap((id) => {
        // A publisher chooses the cause of its event freely, so two events may name each other.
        if (drawn.has(id) || depth > MAX_DEPTH) return [];
        drawn.add(id);
        return [tracedEvent(byId.get(id) ?? [], consumers, draw(causedBy.get(id) ?? [], depth + 1))];
      })
      .sort((a, b) => Date.parse(a.published_at) - Date.parse(b.published_at));
  const trees = draw(roots);
  const rest = [...byId.keys()].flatMap((id) => draw([id]));
  return { correlation_id: correlationId, events: byId.size, roots: [...trees, ...rest] };
}

function timerOf({ source, headers }: Sighting["envelope"]): TracedEvent["timer"] {
  const name = headers[TIMER_HEADERS.timer];
  if (!source.startsWith("timer@") || name === undefined) return undefined;
  const { [TIMER_HEADERS.scheduledAt]: scheduled_at = "", [TIMER_HEADERS.fire]: fire = "" } = headers;
  return { name, scheduled_at, fire };
}

function tracedEvent(
  sightings: readonly Sighting[],
  consumers: readonly EventConsumer[],
  caused: readonly TracedEvent[],
): TracedEvent {
  const places = sightings.toSorted((a, b) => Date.parse(a.storedAt) - Date.parse(b.storedAt));
  const [first] = places;
  if (first === undefined) throw new RangeError("an event without a place");
  const { event_id, event_name, version, kind, source, ts } = first.envelope;
  const replay = isReplaySubject(first.subject) ? parseReplayTarget(first.subject) : undefined;
  const timer = timerOf(first.envelope);
  return {
    event_id,
    event_name,
    version,
    subject: first.subject,
    kind,
    source,
    from: originOf(first.subject) ?? "",
    ...(replay === undefined ? {} : { replay_for: `${first.of}/${replay.node}/${replay.durable}` }),
    ...(timer === undefined ? {} : { timer }),
    published_at: ts,
    hops: places.map((place) => hopOf(place, ts)),
    handlings: places.flatMap((place) => handlingsAt(place, consumers)),
    on_its_way: linksBefore(places, consumers),
    caused,
  };
}

/** The publisher, as its server has authenticated it; undefined for a subject that is not the mesh's. Pure. */
export function originOf(subject: string): string | undefined {
  try {
    const { subnet, node } = isReplySubject(subject)
      ? parseReplySubject(subject).responder
      : parseDeliverySubject(subject);
    return `${subnet}/${node}`;
  } catch {
    return undefined;
  }
}

function hopOf({ of, stream, seq, storedAt }: Sighting, ts: string): Hop {
  return { of, stream, seq, stored_at: storedAt, after_ms: Date.parse(storedAt) - Date.parse(ts) };
}

function standingAt({ of, seq, subject, storedAt }: Sighting, consumer: EventConsumer): Standing {
  if (consumer.of !== of) return "foreign";
  return standingOf(consumer, { seq, subject, storedMs: Date.parse(storedAt) });
}

function handlingsAt(place: Sighting, consumers: readonly EventConsumer[]): Handling[] {
  return consumers.flatMap((consumer) => {
    const standing = standingAt(place, consumer);
    if (consumer.kind !== "durable" || standing === "foreign" || standing === "before") return [];
    return [handlingOf(consumer.name, standing, place)];
  });
}

function handlingOf(
  durable: string,
  standing: Exclude<Standing, "foreign" | "before">,
  { failures }: Sighting,
): Handling {
  const isOf = (one: { readonly node: string; readonly durable: string }): boolean =>
    `${one.node}/${one.durable}` === durable;
  const record = failures?.records.find(isOf);
  const letter = failures?.letters.find(isOf);
  const at = record?.timestamp ?? letter?.at;
  const error =
    record?.error_info ?? (letter && { category: letter.category, message: letter.error.message });
  const isParked = failures?.parked.includes(durable) === true;
  const state = isParked ? "parked" : stateOf(standing, record, letter !== undefined);
  const isOver = state === "handled" || state === "parked";
  return {
    durable,
    state,
    ...(at === undefined ? {} : { at }),
    failures: record === undefined ? (letter?.attempts.length ?? 0) : failuresOf(record),
    ...(error === undefined || isOver ? {} : { error: { category: error.category, message: error.message } }),
    ...(state === "retrying" && record?.retry_info?.next_retry_at !== undefined
      ? { next_retry_at: record.retry_info.next_retry_at }
      : {}),
    ...(letter === undefined ? {} : { dead_letter_id: letter.dead_letter_id }),
  };
}

function stateOf(
  standing: "waiting" | "given" | "settled",
  record: ProcessingRecord | undefined,
  isDead: boolean,
): HandlingState {
  const status = record?.status;
  if (status === "failed" || status === "dead_letter") return status;
  if (isDead) return "dead_letter";
  if (standing === "settled" || status === "success") return "handled";
  if (status === "retrying") return "retrying";
  return standing;
}

/** The links that take it and have not carried it yet. */
function linksBefore(places: readonly Sighting[], consumers: readonly EventConsumer[]): OnItsWay[] {
  const holders = new Set(places.map(({ of }) => of));
  return places.flatMap((place) =>
    consumers.flatMap((consumer) => {
      const standing = standingAt(place, consumer);
      if (consumer.kind !== "link" || (standing !== "waiting" && standing !== "given")) return [];
      const target = consumer.of === ROOT_DOMAIN ? consumer.name.replace("down ", "") : ROOT_DOMAIN;
      if (holders.has(target)) return [];
      return [{ link: consumer.name, waiting: consumer.pending + consumer.unsettled }];
    }),
  );
}
