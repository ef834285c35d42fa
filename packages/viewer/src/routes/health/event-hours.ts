import { type MetricsSnapshot, summarize } from "@adaos/core/wire";
import type { EventHour } from "../../api/health.ts";

/** The figures of each hour, oldest first: those of `adaos events metrics`, and how long handlers took. Pure. */
export function eventHours(snapshots: readonly MetricsSnapshot[]): EventHour[] {
  const byHour = new Map<string, MetricsSnapshot[]>();
  for (const snapshot of snapshots) {
    const ofHour = byHour.get(snapshot.hour);
    if (ofHour === undefined) byHour.set(snapshot.hour, [snapshot]);
    else ofHour.push(snapshot);
  }
  return [...byHour]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([hour, ofHour]) => {
      const { published, outcomes, handling_ms } = summarize(ofHour);
      return { hour, published, ...outcomes, handling_ms };
    });
}
