import { EVENT_ROOT, ROOT_DOMAIN, subjectsOf } from "@adaos/core/wire";
import type { OpenServer } from "../hubs.ts";
import {
  CLOCK_SKEW_MS,
  findStored,
  type LyingEvent,
  type Search,
  timeOfEventId,
} from "../stored/find-stored.ts";
import { streamAt } from "./event-consumer.ts";
import { nearStart } from "./near-start.ts";

/** An event and the server that holds it. */
export interface FoundEvent extends LyingEvent {
  /** A subnet, or `root`. */
  readonly of: string;
}

/** Two processes of a node, or two nodes, store theirs in another order than they made them by so much. */
const MIXED_MS = 1000;
/** Who is mixed by more than this is looked for in all that is later. */
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
  return findStored(server, stream, id, { since, subject, isOver, madeUntilMs: madeMs + BEYOND_MS });
}

/**
 * The first that any of these servers holds of an event: where its neighbours lie, then wherever an outbox may have
 * brought it later. Nothing where nobody holds it, or its id tells no time. Rejects with `timeout`.
 */
export async function findAnywhere(
  servers: readonly OpenServer[],
  id: string,
): Promise<FoundEvent | undefined> {
  const madeMs = timeOfEventId(id);
  if (madeMs === undefined) return undefined;
  const hubs = servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const since = new Date(madeMs - CLOCK_SKEW_MS);
  return (
    (await firstOf(hubs, (hub, isOver) => findNear(hub, id, ownEvents(hub), isOver))) ??
    // A publisher's own hub may be away, or hold it no more; and a replay has a subject of its own.
    (await firstOf(servers, (server, isOver) => search(server, id, { since, isOver })))
  );
}

function ownEvents({ of }: OpenServer): string {
  return subjectsOf(EVENT_ROOT, of);
}

function search(server: OpenServer, id: string, asked: Search): Promise<LyingEvent | undefined> {
  return findStored(server, streamAt(server.of), id, asked);
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
