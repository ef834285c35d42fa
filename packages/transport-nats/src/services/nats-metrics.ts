import type { MetricsSnapshot } from "@adaos/core/wire";
import {
  MAX_METRICS_BYTES,
  type MetricsStore,
  metricsSubject,
  type NodeAddress,
  randomId,
} from "@adaos/core/wire";
import type { Connection } from "../connection/connection.ts";
import { StreamPublisher } from "../publish/stream-publisher.ts";

/**
 * Keeps a member's metrics in a stream of its hub, one message for each process and hour. Uses a connection and does
 * not own it.
 */
export class NatsMetricsStore implements MetricsStore {
  readonly #publisher: StreamPublisher;
  readonly #node: NodeAddress;

  constructor(connection: Connection, node: NodeAddress) {
    this.#publisher = new StreamPublisher(connection, {
      timeoutMs: 3000,
      maxMessageBytes: MAX_METRICS_BYTES,
    });
    this.#node = node;
  }

  async storeMetrics(snapshot: MetricsSnapshot): Promise<void> {
    // `2026-11-21T12`: colons and dots have a meaning in subjects. Of ended processes only the newest message is kept.
    const hour = snapshot.ended_before === undefined ? snapshot.hour.slice(0, 13) : "all";
    const subject = metricsSubject(this.#node, snapshot.instance, hour);
    const body = new TextEncoder().encode(JSON.stringify(snapshot));
    await this.#publisher.publish({ subject, id: randomId(), headers: {}, body });
  }
}
