import { METRICS, type MetricsSnapshot } from "@adaos/core";
import { METRICS_ROOT, type MetricId, metricsStream, subjectsOf, writerOf } from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import { z } from "zod";
import type { OpenServer } from "./hubs.ts";
import { parseStored } from "./stored/parse-stored.ts";

const metric = z.enum(Object.keys(METRICS) as [MetricId, ...MetricId[]]);
const labels = z.array(z.string().max(200)).max(8);
const count = z.number().nonnegative();
const histogram = z.object({
  count,
  sum: count,
  min: count,
  max: count,
  buckets: z.array(z.tuple([z.number().int(), count])).max(2000),
});
const counted = z.object({
  counters: z.array(z.tuple([metric, labels, count])).max(10_000),
  histograms: z.array(z.tuple([metric, labels, histogram])).max(10_000),
});
const snapshotSchema = counted.extend({
  instance: z.string().max(200),
  hour: z.iso.datetime(),
  totals: counted,
});

/**
 * What the members of a subnet have counted since a time, an hour of a process each. Members wrote it: it is checked.
 */
export async function* storedMetrics(server: OpenServer, sinceMs: number): AsyncGenerator<MetricsSnapshot> {
  const subject = subjectsOf(METRICS_ROOT, server.of);
  for await (const message of storedMessages(server.connection, metricsStream(server.of), subject)) {
    const snapshot = parseStored(message, snapshotSchema);
    // A later version may count what this one does not know; a hostile member anything.
    if (snapshot === undefined || Date.parse(snapshot.hour) + 3_600_000 <= sinceMs) continue;
    // The subject says who wrote it.
    const writer = writerOf(message.subject);
    if (writer !== undefined) yield { ...snapshot, node: `${writer.subnet}/${writer.node}` };
  }
}
