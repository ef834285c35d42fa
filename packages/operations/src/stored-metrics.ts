import type { MetricsSnapshot } from "@adaos/core/wire";
import { METRICS_ROOT, metricsStream, subjectsOf } from "@adaos/core/wire";
import { storedMessages, storedSnapshot } from "@adaos/transport-nats";
import type { OpenServer } from "./hubs.ts";

/** What the members of a subnet have counted since a time, an hour of a process each. */
export async function* storedMetrics(server: OpenServer, sinceMs: number): AsyncGenerator<MetricsSnapshot> {
  const subject = subjectsOf(METRICS_ROOT, server.of);
  for await (const message of storedMessages(server.connection, metricsStream(server.of), subject)) {
    const snapshot = storedSnapshot(message);
    if (snapshot !== undefined && Date.parse(snapshot.hour) + 3_600_000 > sinceMs) yield snapshot;
  }
}
