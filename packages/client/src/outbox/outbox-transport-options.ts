import type { Logger, Transport, TransportCapabilities } from "@adaos/core";
import type { Outbox } from "./outbox.ts";
import type { RefusedLog } from "./refused-log.ts";

/** The connection to the hub, as far as an outbox needs to know it. */
export interface HubConnection {
  readonly connected: boolean;
  listen(listener: { onDisconnect?(): void; onReconnect?(): void }): () => void;
}

export interface Hub {
  readonly transport: Transport;
  readonly connection: HubConnection;
  /** Largest write at the line's present speed, with each message counted by `messageBytes`. */
  readonly writeBytes: () => number;
}

export interface OutboxTransportOptions {
  /** Settles when the hub has been reached for the first time, or never will be. */
  readonly hub: Promise<Hub>;
  readonly outbox: Outbox;
  readonly refusedLog: RefusedLog;
  readonly log: Logger;
  /** Capabilities of the hub's transport. @default those of the NATS transport */
  readonly capabilities?: TransportCapabilities;
  /** A publish without an answer after this time is stored in the outbox, and the attempt goes on. @default 3000 */
  readonly patienceMs?: number;
  /** Most messages in one write of the hub's transport. @default 500 */
  readonly batchMessages?: number;
  /** Wait before a failed message is forwarded again. @default 250 */
  readonly retryMs?: number;
  /** Longest wait of `close()` for a connected hub to accept the waiting messages. @default 5000 */
  readonly drainMs?: number;
  /** Stops the attempts to reach the hub. */
  readonly onClose?: () => void;
}
