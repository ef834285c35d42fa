import type { OpenServer } from "../hubs.ts";
import {
  CLOCK_SKEW_MS,
  findStored,
  type LyingEvent,
  type Search,
  timeOfEventId,
} from "../stored/find-stored.ts";
import { streamAt } from "./event-consumer.ts";

/** An event and the server that holds it. */
export interface FoundEvent extends LyingEvent {
  /** A subnet, or `root`. */
  readonly of: string;
}

/** Most events are stored so soon after their ids are made. */
const SOON_MS = 60_000;

/**
 * The first that any of these servers holds of an event: first about the time in its id, then later, as an outbox may
 * have kept it. Nothing where nobody holds it, or its id tells no time. Rejects with `timeout`.
 */
export async function findAnywhere(
  servers: readonly OpenServer[],
  id: string,
): Promise<FoundEvent | undefined> {
  const madeMs = timeOfEventId(id);
  if (madeMs === undefined) return undefined;
  const since = new Date(madeMs - CLOCK_SKEW_MS);
  const untilMs = madeMs + SOON_MS;
  return (
    (await firstOf(servers, id, { since, untilMs })) ??
    (await firstOf(servers, id, { since: new Date(untilMs) }))
  );
}

/** Looks at all at the same time, and no longer than until one has it. */
async function firstOf(
  servers: readonly OpenServer[],
  id: string,
  search: Search,
): Promise<FoundEvent | undefined> {
  let found: FoundEvent | undefined;
  const isOver = (): boolean => found !== undefined;
  const looks = servers.map(async (server) => {
    const event = await findStored(server, streamAt(server.of), id, { ...search, isOver });
    if (event !== undefined) found ??= { ...event, of: server.of };
  });
  await Promise.all(looks);
  return found;
}
