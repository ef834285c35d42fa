import type { MetricsSnapshot, StandingProbe, TakenSnapshot } from "@adaos/core/wire";
import { METRICS_ROOT, metricsStream, standingProbes, subjectsOf } from "@adaos/core/wire";
import { storedMessages, storedSnapshot } from "@adaos/transport-nats";
import type { OpenServer } from "./hubs.ts";

/** The counts of a subnet's members since a time; each snapshot covers an hour of one process. */
export async function* storedMetrics(server: OpenServer, sinceMs: number): AsyncGenerator<MetricsSnapshot> {
  const subject = subjectsOf(METRICS_ROOT, server.of);
  for await (const message of storedMessages(server.connection, metricsStream(server.of), subject)) {
    const snapshot = storedSnapshot(message);
    if (snapshot !== undefined && Date.parse(snapshot.hour) + 3_600_000 > sinceMs) yield snapshot;
  }
}

/** A probe with a longer interval than this is not reported between two looks. */
const RECENT_MS = 3_600_000;

/** The probes that run now in a subnet's processes, programs and daemons, as these have reported them to their hub. */
export async function reportedProbes(server: OpenServer): Promise<readonly StandingProbe[]> {
  const subject = subjectsOf(METRICS_ROOT, server.of);
  const nowMs = Date.now();
  const since = { time: new Date(nowMs - RECENT_MS) };
  const taken: TakenSnapshot[] = [];
  for await (const message of storedMessages(server.connection, metricsStream(server.of), subject, since)) {
    const snapshot = storedSnapshot(message);
    if (snapshot !== undefined) taken.push({ snapshot, takenMs: Date.parse(message.storedAt) });
  }
  return standingProbes(taken, nowMs);
}
