import { EVENT_ROOT, parseSubject, REPLAY_ROOT, REPLY_ROOT, ROOT_DOMAIN, subjectsOf } from "@adaos/core/wire";
import type { OpenServer } from "../hubs.ts";
import { CLOCK_SKEW_MS, findStored, type LyingEvent, timeOfEventId } from "../stored/find-stored.ts";
import { streamAt } from "./event-consumer.ts";
import { nearStart } from "./near-start.ts";

/** An event and the server that holds it. */
export interface FoundEvent extends LyingEvent {
  /** A subnet, or `root`. */
  readonly of: string;
}

/** Two processes of a node, or two nodes, may store their events out of order by this much. */
const MIXED_MS = 1000;
/** An event that is further out of order than this is searched for among all later events. */
const BEYOND_MS = 5000;

/**
 * The event of an id in one server's stream, where its neighbours of the same subject lie. Rejects with `timeout`.
 * @param subject Wildcards too.
 */
export async function findNear(
  server: OpenServer,
  id: string,
  subject: string,
  isOver: () => boolean = () => false,
): Promise<LyingEvent | undefined> {
  const madeMs = timeOfEventId(id);
  if (madeMs === undefined) return undefined;
  const stream = streamAt(server.of);
  const since = await nearStart(server, stream, subject, madeMs - MIXED_MS);
  const madeUntilMs = madeMs + BEYOND_MS;
  return findStored(server, stream, id, { since, subjects: [subject], isOver, madeUntilMs });
}

/**
 * The first copy of an event that any of these servers holds. It looks where the event's neighbours lie, then wherever
 * an outbox may have brought the event later. The second search asks the event's own hub alone, so that each event is
 * passed once and not at each server. Other servers are searched only for a hub that cannot be asked. Undefined when no
 * server holds the event, or when its id contains no time. Rejects with `unavailable`.
 */
export async function findAnywhere(
  servers: readonly OpenServer[],
  id: string,
): Promise<FoundEvent | undefined> {
  const madeMs = timeOfEventId(id);
  if (madeMs === undefined) return undefined;
  const hubs = servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const since = new Date(madeMs - CLOCK_SKEW_MS);
  const everything = subjectsOf(EVENT_ROOT);
  const search = (server: OpenServer, subjects: readonly string[], isOver: () => boolean) =>
    findStored(server, streamAt(server.of), id, { since, subjects, isOver });
  return (
    (await firstOf(hubs, (hub, isOver) => findNear(hub, id, ownEvents(hub), isOver))) ??
    // A publisher's own hub may be away, or hold it no more.
    (await firstOf(servers, (server, isOver) => findNear(server, id, everything, isOver))) ??
    (await firstOf(hubs, (hub, isOver) => search(hub, [ownEvents(hub), ...ADDRESSED], isOver))) ??
    (await firstOf(servers, async (server, isOver) => {
      const foreign = await foreignEvents(server, hubs);
      return foreign.length === 0 ? undefined : search(server, foreign, isOver);
    }))
  );
}

/** Subjects of subnets whose events a server holds, and whose own hub is none of these. */
async function foreignEvents({ of, jsm }: OpenServer, hubs: readonly OpenServer[]): Promise<string[]> {
  const { state } = await jsm.streams.info(streamAt(of), { subjects_filter: subjectsOf(EVENT_ROOT) });
  const subnets = new Set(Object.keys(state.subjects ?? {}).map((subject) => parseSubject(subject).subnet));
  for (const hub of hubs) subnets.delete(hub.of);
  return [...subnets].map((subnet) => subjectsOf(EVENT_ROOT, subnet));
}

/** Each of these is for somebody of the hub that stores it. */
const ADDRESSED = [subjectsOf(REPLAY_ROOT), subjectsOf(REPLY_ROOT)];

function ownEvents({ of }: OpenServer): string {
  return subjectsOf(EVENT_ROOT, of);
}

/** Looks at all at the same time, and no longer than until one has it. */
async function firstOf(
  servers: readonly OpenServer[],
  find: (server: OpenServer, isOver: () => boolean) => Promise<LyingEvent | undefined>,
): Promise<FoundEvent | undefined> {
  let found: FoundEvent | undefined;
  const looks = servers.map(async (server) => {
    const event = await find(server, () => found !== undefined);
    if (event !== undefined) found ??= { ...event, of: server.of };
  });
  await Promise.all(looks);
  return found;
}
