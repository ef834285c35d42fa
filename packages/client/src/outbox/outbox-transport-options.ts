import type { Logger, Transport, TransportCapabilities } from "@adaos/core";
import type { Outbox } from "./outbox.ts";
import type { RefusedLog } from "./refused-log.ts";

/** The way to the hub, as far as an outbox has to know of it. */
export interface HubConnection {
  readonly connected: boolean;
  listen(listener: { onDisconnect?(): void; onReconnect?(): void }): () => void;
}

export interface Hub {
  readonly transport: Transport;
  readonly connection: HubConnection;
  /** What one write holds at most by what the line carries now, each message counted by `messageBytes`. */
  readonly writeBytes: () => number;
}

export interface OutboxTransportOptions {
  /** Settles when the hub was reached for the first time, or never will be. */
  readonly hub: Promise<Hub>;
  readonly outbox: Outbox;
  readonly refusedLog: RefusedLog;
  readonly log: Logger;
  /** Of the hub's transport. @default as the NATS transport declares them */
  readonly capabilities?: TransportCapabilities;
  /** A publish that is not answered in this time is kept, and goes on meanwhile. @default 3000 */
  readonly patienceMs?: number;
  /** As many as one write of the hub's transport holds. @default 500 */
  readonly batchMessages?: number;
  /** Wait before what failed is forwarded again. @default 250 */
  readonly retryMs?: number;
  /** Longest wait of `close()` for a hub that is there to take what waits. @default 5000 */
  readonly drainMs?: number;
  /** Gives up reaching the hub. */
  readonly onClose?: () => void;
}
