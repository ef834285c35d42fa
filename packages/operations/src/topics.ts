import { formatEventRef } from "@adaos/core";
import { EVENT_ROOT, type EventAddress, parseSubject, subjectsOf } from "@adaos/core/wire";
import type { EventRecord } from "@adaos/registry";
import type { OpenServer } from "./hubs.ts";
import { storedHeaders } from "./stored/stored-headers.ts";

/** One event type: what of it lies in the streams, and what the registry says of it. */
export interface Topic {
  /** `ui.notify@1` */
  readonly event: string;
  readonly count: number;
  /** Nodes that published it: `alpha/kitchen`. */
  readonly origins: readonly string[];
  /** RFC 3339; `null` when no stream holds one. */
  readonly last_seen: string | null;
  /** `null` when it is not in the registry. */
  readonly kind: string | null;
  readonly status: string | null;
}

/** The number of messages that a stream holds of one subject, and the time of the last. */
export interface SubjectCount {
  readonly subject: string;
  readonly count: number;
  /** RFC 3339. */
  readonly lastSeen: string | undefined;
}

/** Counts a stream's messages by subject without reading any event. @param origin A subnet, or `*`. */
export async function subjectCounts(
  server: OpenServer,
  stream: string,
  origin: string,
): Promise<SubjectCount[]> {
  const subject = subjectsOf(EVENT_ROOT, origin);
  // The client asks page by page until it has all subjects.
  const { state } = await server.jsm.streams.info(stream, { subjects_filter: subject });
  const lastSeen = new Map<string, string>();
  for await (const header of storedHeaders(server, stream, { lastOf: subject })) {
    lastSeen.set(header.subject, header.storedAt);
  }
  return Object.entries(state.subjects ?? {}).map(([name, count]) => ({
    subject: name,
    count,
    lastSeen: lastSeen.get(name),
  }));
}

interface Seen {
  count: number;
  readonly origins: Set<string>;
  lastSeen: string | undefined;
}

/** One row per event type, those of the registry that were never seen too, by name. Pure. */
export function topicsOf(subjects: readonly SubjectCount[], records: readonly EventRecord[]): Topic[] {
  const seen = new Map<string, Seen>();
  for (const { subject, count, lastSeen } of subjects) {
    const address = addressOf(subject);
    if (address === undefined) continue;
    const event = formatEventRef(address.name, address.version);
    const topic = seen.get(event) ?? { count: 0, origins: new Set(), lastSeen: undefined };
    topic.count += count;
    topic.origins.add(`${address.subnet}/${address.node}`);
    if (lastSeen !== undefined && lastSeen > (topic.lastSeen ?? "")) topic.lastSeen = lastSeen;
    seen.set(event, topic);
  }
  const known = new Map(records.map((record) => [formatEventRef(record.name, record.version), record]));
  return [...new Set([...seen.keys(), ...known.keys()])].sort().map((event) => {
    const { count = 0, origins = [], lastSeen = null } = seen.get(event) ?? {};
    const { kind = null, status = null } = known.get(event) ?? {};
    return { event, count, origins: [...origins].sort(), last_seen: lastSeen, kind, status };
  });
}

/** Servers store whatever the hub is sent, so a subject that is not an event's is left out. */
function addressOf(subject: string): EventAddress | undefined {
  try {
    return parseSubject(subject);
  } catch {
    return undefined;
  }
}
