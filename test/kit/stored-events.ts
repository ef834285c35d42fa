import { eventIdWithin } from "@adaos/transport-nats";
import type { TestMesh } from "./mesh.ts";

/** An event in a stream, and when it was stored there. */
export interface StoredEvent {
  readonly id: string;
  readonly atMs: number;
}

/** The events of a stream at a server, in order: `storedEvents(mesh, "root", "MESH", "evt.alpha.>")`. */
export function storedEvents(
  mesh: TestMesh,
  of: string,
  stream: string,
  filterSubjects: string,
): Promise<readonly StoredEvent[]> {
  return mesh.asService(of, async (nc) => {
    const consumer = await nc.jetstream().consumers.get(stream, { filterSubjects });
    const found: StoredEvent[] = [];
    const { num_pending: count } = await consumer.info();
    if (count === 0) return found;
    for await (const message of await consumer.consume()) {
      const id = eventIdWithin(message.headers?.get("Nats-Msg-Id") ?? "");
      found.push({ id, atMs: message.info.timestampNanos / 1e6 });
      if (found.length === count) break;
    }
    return found;
  });
}

/** Longest time in which nothing was stored, in the 20 s after each of these moments, in ms. Pure. */
export function gapsMs(events: readonly StoredEvent[], fromMs: readonly number[]): number[] {
  return fromMs.map((beginMs) => {
    const times = events.map(({ atMs }) => atMs).filter((ms) => ms >= beginMs && ms < beginMs + 20_000);
    const ends = [beginMs, ...times];
    return Math.max(...ends.slice(1).map((ms, i) => ms - (ends[i] ?? ms)));
  });
}
