import type { StreamLimits } from "@adaos/config";
import {
  downlinkDurable,
  EVENT_ROOT,
  farReplyFilter,
  type Logger,
  MESH_STREAM,
  MeshError,
  minimalPatterns,
  type Policy,
  patternToFilter,
  REPLY_ROOT,
} from "@adaos/core";
import type { Part, PartHealth } from "@adaos/daemon";
import { delay, ensureLinkDurable, ensureStream } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";

/** Keeps the federated log and, on it, one durable per subnet that imports anything. */
export class MeshStream implements Part {
  readonly name = "stream";
  readonly #subnets: readonly string[];
  readonly #policy: Policy;
  readonly #limits: StreamLimits;
  readonly #jsm: JetStreamManager;
  readonly #log: Logger;
  #trouble: string | undefined = "is starting";
  #seen = false;

  constructor(
    subnets: readonly string[],
    policy: Policy,
    limits: StreamLimits,
    jsm: JetStreamManager,
    log: Logger,
  ) {
    this.#subnets = subnets;
    this.#policy = policy;
    this.#limits = limits;
    this.#jsm = jsm;
    this.#log = log;
  }

  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.restore()) !== undefined) await delay(250, signal);
  }

  async stop(): Promise<void> {
    // Streams and durables outlive the daemon.
  }

  health(): PartHealth {
    return this.#trouble === undefined ? { ready: true } : { ready: false, reason: this.#trouble };
  }

  /** Creates what is missing. Returns why it could not; rejects with `invalid-config` when it never will. */
  async restore(): Promise<MeshError | undefined> {
    const { maxBytes, maxAgeHours, duplicateWindowMs } = this.#limits;
    try {
      await ensureStream(this.#jsm, {
        name: MESH_STREAM,
        subjects: [`${EVENT_ROOT}.>`, `${REPLY_ROOT}.>`],
        maxBytes,
        maxAgeMs: maxAgeHours * 3_600_000,
        duplicateWindowMs,
      });
      for (const subnet of this.#subnets) {
        await ensureLinkDurable(this.#jsm, {
          stream: MESH_STREAM,
          consumer: downlinkDurable(subnet),
          filters: this.filtersFor(subnet),
          startAt: this.#seen ? "all" : "new",
        });
      }
      this.#seen = true;
      this.#trouble = undefined;
      return undefined;
    } catch (thrown) {
      const error = MeshError.from(thrown, "unavailable", `stream ${MESH_STREAM} is not there`);
      if (error.code === "invalid-config") throw error;
      if (this.#trouble !== error.message) this.#log.warn({ err: error }, "stream trouble");
      this.#trouble = error.message;
      return error;
    }
  }

  /**
   * What a subnet imports, from each of the others: its own events never match, so they cannot come back. And the replies
   * to what it exports.
   */
  filtersFor(subnet: string): string[] {
    const imports = minimalPatterns(this.#policy.patternsFor({ verb: "import", subnet }));
    const exports = minimalPatterns(this.#policy.patternsFor({ verb: "export", subnet }));
    const events = this.#subnets
      .filter((other) => other !== subnet)
      .flatMap((other) => imports.map((pattern) => patternToFilter(pattern, { subnet: other })));
    return [...events, ...exports.map((pattern) => farReplyFilter(pattern, { requester: subnet }))];
  }
}
