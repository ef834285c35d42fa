import {
  MAX_PROBE_REPORTS,
  METRICS,
  type MetricId,
  type MetricsSnapshot,
  type ProbeReport,
  writerOf,
} from "@adaos/core/wire";
import { z } from "zod";
import type { StoredMessage } from "../stream/stored-messages.ts";

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
const text = z.string().max(500);
const probe: z.ZodType<ProbeReport> = z.object({
  probe: text,
  environment: text,
  database_type: text,
  app: text,
  interval_ms: count,
  connection: z.enum(["unknown", "established", "failed"]),
  status: z.enum(["healthy", "degraded", "unhealthy"]).nullable(),
  is_healthy: z.boolean(),
  requires_alert: z.boolean(),
  latency_ms: count.nullable(),
  since: text.nullable(),
  looked_at: text.nullable(),
  retry_count: count,
  error_message: text.nullable(),
  unpublished: text.nullable(),
});
const snapshotSchema = counted.extend({
  instance: z.string().max(200),
  hour: z.iso.datetime(),
  totals: counted,
  probes: z.array(probe).max(MAX_PROBE_REPORTS).exactOptional(),
  ended_before: z.iso.datetime().exactOptional(),
});

/**
 * A process's counts of an hour, as its hub keeps them. Undefined for a message that is not a snapshot: it is checked,
 * because members write it. A later version may have counters that this one does not know; a hostile member may send
 * anything. The subject shows the writer.
 */
export function storedSnapshot({ subject, body }: StoredMessage): MetricsSnapshot | undefined {
  const writer = writerOf(subject);
  if (writer === undefined) return undefined;
  try {
    const found = snapshotSchema.safeParse(JSON.parse(new TextDecoder().decode(body)));
    return found.success ? { ...found.data, node: `${writer.subnet}/${writer.node}` } : undefined;
  } catch {
    // Not JSON.
    return undefined;
  }
}
