import { decodeEnvelope, type EventPattern } from "@adaos/core";
import { parseDeliverySubject, patternToFilter } from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { Newest } from "../newest.ts";
import { streamAt } from "../standing/event-consumer.ts";
import { publishedAt } from "./parse-stored.ts";

/** An event in a list, without its data. */
export interface RecentEvent {
  /** The subnet whose stream holds it, or `root`. */
  readonly at: string;
  readonly seq: number;
  readonly stored_at: string;
  readonly published_at: string;
  readonly event_id: string;
  readonly event_name: string;
  readonly version: number;
  /** `alpha/kitchen` */
  readonly from: string;
  readonly correlation_id: string;
  readonly bytes: number;
}

/** The search goes back in steps, since what is newest lies near the end of a stream. */
const STEPS_MS = [60_000, 600_000, 3_600_000, 6 * 3_600_000, 86_400_000];
/** The most messages that one step reads; a longer one would hold up the answer. */
const MAX_READ = 50_000;

/** Events of a pattern that a server has stored, the newest first. */
export interface RecentEvents {
  readonly events: readonly RecentEvent[];
  /** Older ones were left out: there are too many to read. */
  readonly isCut: boolean;
}

/** Which events: of a pattern, and where it is given of one publisher. */
export interface RecentQuery {
  readonly pattern: EventPattern;
  readonly from?: { readonly subnet: string; readonly node: string } | undefined;
  readonly sinceMs: number;
  readonly limit: number;
}

/**
 * The newest events that one stream holds, at most `limit`. It reads the last minute, then the last ten, and so on
 * until it has enough or is at `sinceMs`. Rejects with `timeout`.
 */
export async function recentEvents(
  server: OpenServer,
  { pattern, from, sinceMs, limit }: RecentQuery,
): Promise<RecentEvents> {
  const filter = patternToFilter(pattern, from);
  const nowMs = Date.now();
  const steps = STEPS_MS.map((ms) => nowMs - ms).filter((startMs) => startMs > sinceMs);
  let last: readonly RecentEvent[] = [];
  for (const startMs of [...steps, sinceMs]) {
    const { found, isWhole } = await newestSince(server, filter, startMs, limit);
    if (!isWhole) return { events: last.length > 0 ? last : found, isCut: true };
    last = found;
    if (found.length >= limit) break;
  }
  return { events: last, isCut: false };
}

async function newestSince(
  { of, connection }: OpenServer,
  filter: string,
  sinceMs: number,
  limit: number,
): Promise<{ readonly found: readonly RecentEvent[]; readonly isWhole: boolean }> {
  const newest = new Newest<RecentEvent>(limit, ({ stored_at }) => stored_at);
  let read = 0;
  const from = { time: new Date(sinceMs) };
  for await (const message of storedMessages(connection, streamAt(of), filter, from, MAX_READ)) {
    read++;
    const event = recentEvent(of, message);
    if (event !== undefined) newest.add(event);
  }
  return { found: newest.items().reverse(), isWhole: read < MAX_READ };
}

/** Undefined for a message that is no event: servers store whatever they are sent. Pure. */
export function recentEvent(
  at: string,
  message: {
    readonly seq: number;
    readonly subject: string;
    readonly storedAt: string;
    readonly body: Uint8Array;
  },
): RecentEvent | undefined {
  const { seq, subject, storedAt, body } = message;
  try {
    const { subnet, node } = parseDeliverySubject(subject);
    const { event_id, event_name, version, ts, correlation_id } = decodeEnvelope(body, false);
    return {
      ...{ at, seq, event_id, event_name, version, correlation_id, from: `${subnet}/${node}` },
      stored_at: new Date(storedAt).toISOString(),
      published_at: publishedAt(ts, storedAt),
      bytes: body.byteLength,
    };
  } catch {
    return undefined;
  }
}
