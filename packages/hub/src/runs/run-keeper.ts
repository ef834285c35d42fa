import type { Logger } from "@adaos/core";
import { documentSubject, every, messageOf, parseRunSubject, runsStream, STATE_WORD } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import { type Connection, storedMessages } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { type KeptDocument, planRemovals } from "./plan-removals.ts";

export interface RunKeeperOptions {
  readonly subnet: string;
  /** Whether a node has left the subnet. */
  readonly isGone: (node: string) => boolean;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly log: Logger;
}

const EVERY_MS = 600_000;
/** After a server came back, its members store what they had decided. */
const SETTLE_MS = 60_000;

/**
 * Removes documents of runs that nobody needs. A removed document expires at the server, and a server that is killed
 * brings the text before it back (nats-server 2.15). Documents of members that are gone go too.
 */
export class RunKeeper implements Part {
  readonly name = "runs";
  readonly #options: RunKeeperOptions;
  #unlisten: (() => void) | undefined;
  #stopEvery: (() => void) | undefined;
  #soon: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #isStopped = false;
  #removed = 0;

  constructor(options: RunKeeperOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#stopEvery = every(EVERY_MS, () => this.#sweepNow());
    this.#unlisten = this.#options.connection.listen({ onReconnect: () => this.#sweepSoon() });
    this.#sweepSoon();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopEvery?.();
    this.#unlisten?.();
    clearTimeout(this.#soon);
    await this.#sweeping;
  }

  health(): PartHealth {
    return { ready: true, details: { removed: this.#removed } };
  }

  #sweepSoon(): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#sweepNow(), SETTLE_MS);
    this.#soon.unref();
  }

  #sweepNow(): void {
    const { log } = this.#options;
    this.#sweeping = this.#sweeping
      .then(() => this.#sweep())
      // The next sweep tries again.
      .catch((thrown: unknown) => log.warn({ reason: messageOf(thrown) }, "documents of runs not swept"));
  }

  async #sweep(): Promise<void> {
    if (this.#isStopped || !this.#options.connection.connected) return;
    const { subnet, isGone, connection, jsm } = this.#options;
    const stream = runsStream(subnet);
    const kept: KeptDocument[] = [];
    for await (const { subject, seq, storedAt, body } of storedMessages(
      connection,
      stream,
      documentSubject({ subnet, node: "*" }, "*.*"),
    )) {
      const place = parseRunSubject(subject);
      if (place === undefined) continue;
      const text = place.word === STATE_WORD ? new TextDecoder().decode(body) : undefined;
      kept.push({
        ...place,
        subject,
        seq,
        storedMs: Date.parse(storedAt),
        ...(text === undefined ? {} : { text }),
      });
    }
    for (const { subject, seq } of planRemovals(kept, isGone, Date.now())) {
      if (this.#isStopped) return;
      // Only up to here: its member may store it anew at this moment.
      await jsm.streams.purge(stream, { filter: subject, seq: seq + 1 });
      this.#removed++;
    }
  }
}
