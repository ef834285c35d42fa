import type { StreamLimits } from "@adaos/config";
import { type Logger, MAX_EVENT_BYTES, MeshError, type Policy } from "@adaos/core";
import {
  downlinkDurable,
  EVENT_ROOT,
  farReplyFilter,
  MESH_STREAM,
  minimalPatterns,
  patternToFilter,
  REPLY_ROOT,
  subjectsOf,
} from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import { delay, dropOtherDurables, ensureLinkDurable, ensureStream } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";

/** Keeps the federated log and, on it, one durable per subnet that imports anything. */
export class MeshStream implements Part {
  readonly name = "stream";
  readonly #subnets: () => readonly string[];
  readonly #policy: Policy;
  readonly #limits: StreamLimits;
  readonly #jsm: JetStreamManager;
  readonly #log: Logger;
  #trouble: string | undefined = "is starting";
  /** Subnets whose durable has been wanted here before: one that is gone has vanished, and goes on with all. */
  #seen: ReadonlySet<string> = new Set();

  /** @param subnets Those that there are now. */
  constructor(
    subnets: () => readonly string[],
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
        subjects: [subjectsOf(EVENT_ROOT), subjectsOf(REPLY_ROOT)],
        maxBytes,
        maxAgeMs: maxAgeHours * 3_600_000,
        duplicateWindowMs,
        maxMessageBytes: MAX_EVENT_BYTES,
      });
      const wanted = this.#subnets().map((subnet) => ({ subnet, filters: this.filtersFor(subnet) }));
      for (const { subnet, filters } of wanted) {
        await ensureLinkDurable(this.#jsm, {
          stream: MESH_STREAM,
          consumer: downlinkDurable(subnet),
          filters,
          startAt: this.#seen.has(subnet) ? "all" : "new",
        });
      }
      // The durable of a subnet that is gone would give the next of its name all that came in between.
      const kept = wanted.map(({ subnet }) => downlinkDurable(subnet));
      await dropOtherDurables(this.#jsm, MESH_STREAM, downlinkDurable(""), kept);
      // What policy took away begins anew when policy gives it back: nothing of the time between may enter then.
      this.#seen = new Set(wanted.filter(({ filters }) => filters.length > 0).map(({ subnet }) => subnet));
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
   * What a subnet imports, from each of the others: its own events never match, so they cannot come back. And the
   * replies to what it exports.
   */
  filtersFor(subnet: string): string[] {
    const exports = minimalPatterns(this.#policy.patternsFor({ verb: "export", subnet }));
    const events = this.#subnets()
      .filter((other) => other !== subnet)
      .flatMap((from) =>
        minimalPatterns(this.#policy.patternsFor({ verb: "import", subnet, from })).map((pattern) =>
          patternToFilter(pattern, { subnet: from }),
        ),
      );
    return [...events, ...exports.map((pattern) => farReplyFilter(pattern, { requester: subnet }))];
  }
}
