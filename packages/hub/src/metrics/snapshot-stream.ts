import { MeshError } from "@adaos/core";
import { METRICS_ROOT, metricsStream, parseNodeAddress, subjectsOf } from "@adaos/core/wire";
import { type Connection, NatsMetricsStore, storedMessages } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import type { RecentSnapshots } from "./probe-watch.ts";
import type { SnapshotStream } from "./subnet-counts.ts";

/** The snapshots of a subnet's processes, in its hub's stream. */
export function snapshotStream(
  subnet: string,
  connection: Connection,
  jsm: JetStreamManager,
): SnapshotStream & RecentSnapshots {
  const stream = metricsStream(subnet);
  const subject = subjectsOf(METRICS_ROOT, subnet);
  return {
    lastSeq: async () => {
      try {
        return (await jsm.streams.info(stream)).state.last_seq;
      } catch (cause) {
        throw MeshError.from(cause, "unavailable", `stream ${stream} does not answer`);
      }
    },
    from: (seq) => storedMessages(connection, stream, subject, { seq }),
    since: (time) => storedMessages(connection, stream, subject, { time }),
    store: (snapshot) =>
      new NatsMetricsStore(connection, parseNodeAddress(snapshot.node)).storeMetrics(snapshot),
  };
}
